/** A question before something that cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { DreyError } from '../contracts/errors.ts';

export async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new DreyError('badInput', 'there is no terminal to ask at: say --yes');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}
