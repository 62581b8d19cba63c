/** Input that does not fit its schema is refused with what is wrong, where, and what would be right (D1). */
import type { z } from 'zod';
import { DreyError } from '../contracts/errors.ts';
import { checkInput } from '../contracts/input-faults.ts';

export function parseInput<Schema extends z.ZodType>(schema: Schema, data: unknown, part: string): z.output<Schema> {
  const { data: parsed, faults, count } = checkInput(schema, data);
  if (count > 0) throw misfit(part, faults, count);
  return parsed as z.output<Schema>;
}

export function misfit(part: string, faults: readonly string[], count = faults.length): DreyError {
  return new DreyError('invalid', `the ${part} does not fit: ${faults[0] ?? 'for no known reason'}${count > 1 ? ` (and ${count - 1} more)` : ''}`, { faults });
}
