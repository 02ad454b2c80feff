import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import { createPrinter, errorLines, type PrinterInit, tableLines } from '../../../node/cli/print.ts';

function printer(init: Partial<PrinterInit> & { isTTY?: boolean } = {}) {
  const written = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => ({
    isTTY: init.isTTY ?? false,
    write(text: string) {
      written[key] += text;
    },
  });
  return { written, print: createPrinter({ stdout: sink('out'), stderr: sink('err'), env: {}, ...init }) };
}

const RED = '\u001b[31m';

describe('tableLines', () => {
  it('aligns words left and figures right', () => {
    const lines = tableLines(
      [
        ['harbour', '12'],
        ['uni', '1,250'],
      ],
      ['provider', 'm'],
    );
    expect(lines).to.deep.equal(['provider      m', 'harbour      12', 'uni       1,250']);
  });

  it('does not count colours as width', () => {
    expect(
      tableLines([
        [`${RED}a\u001b[39m`, 'x'],
        ['bb', 'y'],
      ])[0],
    ).to.equal(`${RED}a\u001b[39m   x`);
  });

  it('keeps short rows short and survives none', () => {
    expect(tableLines([['a'], ['b', 'c']])).to.deep.equal(['a', 'b  c']);
    expect(tableLines([])).to.deep.equal([]);
    expect(tableLines([], ['name'])).to.deep.equal(['name']);
  });
});

describe('errorLines', () => {
  it('says what happened and what to do, one line each', () => {
    const error = new EdgeError('PEER_UNREACHABLE', 'no answer\n  from harbour', { remedy: 'try again' });
    expect(errorLines(error, false)).to.deep.equal([
      'error: no answer from harbour (PEER_UNREACHABLE)',
      'remedy: try again',
    ]);
  });

  it('lists the details of an error about several things', () => {
    const error = new EdgeError('CONFIG_INVALID', 'two problems', { context: { details: ['a: x', 'b: y'] } });
    expect(errorLines(error, false)).to.deep.equal(['error: two problems (CONFIG_INVALID)', '  a: x', '  b: y']);
  });

  it('shows the stack of a bug, and of an expected error only when asked', () => {
    expect(errorLines(new TypeError('x is undefined'), false).join('\n')).to.contain('    at ');
    const expected = new EdgeError('X', 'y');
    expect(errorLines(expected, false)).to.have.length(1);
    expect(errorLines(expected, true).length).to.be.above(1);
  });

  it('does not let text of a peer move the cursor', () => {
    const error = new EdgeError('CALL_FAILED', 'bad\u001b[2J\u001b[1;1H\r\u0007 peer');
    expect(errorLines(error, false)).to.deep.equal(['error: bad peer (CALL_FAILED)']);
  });

  it('prints what is no error', () => {
    expect(errorLines('oops', false)).to.deep.equal(['error: oops']);
  });
});

describe('printer', () => {
  it('prints one JSON object and nothing else on standard output when asked', () => {
    const { written, print } = printer({ json: true });
    print.line('hello');
    print.table([['a']]);
    print.note('working');
    print.result({ b: 10n ** 30n, a: 1 });
    expect(written.out).to.equal(`{"a":1,"b":"1${'0'.repeat(30)}"}\n`);
    expect(written.err).to.equal('working\n');
  });

  it('prints fractions in JSON too', () => {
    const { written, print } = printer({ json: true });
    print.result({ share: 0.5, amount: 2n });
    expect(JSON.parse(written.out)).to.deep.equal({ share: 0.5, amount: '2' });
  });

  it('prints no JSON otherwise', () => {
    const { written, print } = printer();
    print.result({ a: 1 });
    print.line('hello');
    expect(written.out).to.equal('hello\n');
  });

  const colours: [title: string, isTTY: boolean, env: Record<string, string>, isColoured: boolean][] = [
    ['on a terminal', true, {}, true],
    ['not in a file', false, {}, false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, false],
    ['in a file with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
    ['not when both are set', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ];
  for (const [title, isTTY, env, isColoured] of colours) {
    it(`colours ${title}`, () => {
      const { written, print } = printer({ isTTY, env });
      expect(print.style('red', 'x').includes(RED)).to.equal(isColoured);
      print.error(new EdgeError('X', 'y'));
      expect(written.err.includes(RED)).to.equal(isColoured);
    });
  }

  it('draws progress in place on a terminal', () => {
    const { written, print } = printer({ isTTY: true });
    const progress = print.progress('migrate');
    progress.update('10 %');
    progress.done('done');
    expect(written.err).to.equal('\r\u001b[2Kmigrate: 10 %\r\u001b[2Kmigrate: done\n');
  });

  it('prints progress as lines elsewhere, none of them twice', () => {
    const { written, print } = printer();
    const progress = print.progress('migrate');
    progress.update('10 %');
    progress.update('10 %');
    progress.done('done');
    expect(written.err).to.equal('migrate: 10 %\nmigrate: done\n');
  });
});
