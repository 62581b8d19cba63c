/** Input that does not fit its schema, as sentences: what is wrong, where, what would be right (D1). */
import type { z } from 'zod';
import { DreyError } from '../contracts/errors.ts';

const mostFaults = 100;

export function parseInput<Schema extends z.ZodType>(schema: Schema, data: unknown, part: string): z.output<Schema> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw invalidInput(part, result.error);
}

export function invalidInput(part: string, error: { readonly issues: readonly z.core.$ZodIssue[] }): DreyError {
  const faults = error.issues.slice(0, mostFaults).flatMap(faultsOf);
  const more = error.issues.length - 1;
  return new DreyError('invalid', `the ${part} does not fit: ${faults[0] ?? 'unknown fault'}${more > 0 ? ` (and ${more} more)` : ''}`, { faults });
}

function faultsOf(issue: z.core.$ZodIssue): string[] {
  const place = pathOf(issue.path);
  const at = place === '' ? '' : `${place}: `;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${pathOf([...issue.path, key])} is not a known field`);
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return [place === '' ? 'it is missing' : `${place} is missing`];
  return [`${at}${issue.message}`];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`)).join('');
}
