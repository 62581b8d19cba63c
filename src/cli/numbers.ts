/** Numbers as options of commands. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isInteger(number) || number < 0) throw new InvalidArgumentError('a whole number, 0 or larger.');
  return number;
}

export function anyNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('a number.');
  return number;
}
