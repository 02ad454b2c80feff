import { EdgeError } from '../../market/errors.ts';

/** Asks on the terminal without showing what is typed. Throws `PASSWORD_NEEDED` where nobody can answer. */
export async function askPassword(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new EdgeError('PASSWORD_NEEDED', 'a password is needed and there is no terminal to ask on', {
      remedy: 'set keystore.passwordFile in the configuration',
    });
  }
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let typed = '';
  try {
    for await (const chunk of stdin) {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n') return typed;
        if (key === '\u0003') throw new EdgeError('PASSWORD_NEEDED', 'interrupted');
        typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}
