// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this syntax is what is tested
import { expect } from 'chai';
import { interpolate } from '../../market/compose-interpolate.ts';

describe('interpolate', () => {
  const env = { A: 'one', EMPTY: '' };
  const rows: [text: string, value: string][] = [
    ['plain', 'plain'],
    ['$A and ${A}', 'one and one'],
    ['${A:-x}${A-x}', 'oneone'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${B:-a:b/c d}', 'a:b/c d'],
    ['${B-}', ''],
    ['$$A $${A}', '$A ${A}'],
  ];
  for (const [text, value] of rows) {
    it(`makes "${value}" of "${text}"`, () => {
      expect(interpolate(text, env)).to.deep.equal({ value, missing: [], malformed: null });
    });
  }

  it('names what is missing', () => expect(interpolate('$B ${C} $A', env).missing).to.deep.equal(['B', 'C']));

  it('names what is no variable', () => {
    for (const text of ['$', '$(id)', '${', '${A', '${A:?x}', '$5', '${}']) {
      expect(interpolate(text, env).malformed, text).to.match(/^\$/);
    }
  });

  it('does not fill in what a value brings along, nor what every object has', () => {
    expect(interpolate('$X', { X: '$A', A: 'one' }).value).to.equal('$A');
    expect(interpolate('$constructor', {}).missing).to.deep.equal(['constructor']);
  });
});
