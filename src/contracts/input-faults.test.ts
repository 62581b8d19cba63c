import { expect, test } from 'vitest';
import { z } from 'zod';
import { checkInput } from './input-faults.ts';

const faults = (schema: z.ZodType, data: unknown): readonly string[] => checkInput(schema, data).faults;

test.each<[string, z.ZodType, unknown, string]>([
  ['text where a number is needed', z.object({ n: z.number() }), { n: 'x' }, 'n: "x" is not a number'],
  ['what a query says, not what became of it', z.object({ n: z.coerce.number() }), { n: 'abc' }, 'n: "abc" is not a number'],
  ['a fraction', z.object({ n: z.int() }), { n: 1.5 }, 'n: 1.5 is not a whole number'],
  ['a fraction, coerced', z.object({ n: z.coerce.number().int() }), { n: '1.5' }, 'n: "1.5" is not a whole number'],
  ['a field that is not there', z.object({ a: z.object({ b: z.string() }) }), { a: {} }, 'a.b is missing'],
  ['nothing at all', z.object({}), undefined, 'it is missing'],
  ['too large', z.object({ n: z.number().max(1000) }), { n: 1001 }, 'n: 1001 is too large: at most 1000'],
  ['too small, bound left out', z.object({ n: z.number().positive() }), { n: 0 }, 'n: 0 is too small: more than 0'],
  ['long text', z.object({ t: z.string().max(3) }), { t: 'abcd' }, 't: "abcd" has 4 characters, at most 3 are taken'],
  ['empty text', z.object({ t: z.string().trim().min(1) }), { t: '  ' }, 't: it is empty, at least 1 character is needed'],
  ['too many', z.object({ l: z.array(z.number()).max(1) }), { l: [1, 2] }, 'l: 2 are given, at most 1 is taken'],
  ['a choice', z.object({ s: z.enum(['asc', 'desc']) }), { s: 'up' }, 's: "up" is none of asc or desc'],
  ['a flag', z.object({ f: z.stringbool() }), { f: 'perhaps' }, 'f: "perhaps" is neither true nor false'],
  ['an id', z.array(z.uuid()), ['x'], '[0]: "x" is no id'],
  ['a kind', z.object({ s: z.discriminatedUnion('kind', [z.object({ kind: z.literal('all') }), z.object({ kind: z.literal('some'), n: z.number() })]) }), { s: { kind: 'none' } }, 's.kind: "none" is none of all or some'],
  ['one of several kinds', z.object({ id: z.union([z.string(), z.number()]) }), { id: true }, 'id: true is not text or a number'],
  ['the nearest of several forms', z.object({ id: z.union([z.string().max(2), z.number()]) }), { id: 'abc' }, 'id: "abc" has 3 characters, at most 2 are taken'],
  ['a list for an object', z.object({}), [], 'a list is not an object'],
  ['what a schema says itself', z.object({ n: z.number().min(0, 'a tolerance is 0 or larger') }), { n: -1 }, 'n: a tolerance is 0 or larger'],
  ['a secret', z.object({ secret: z.string().min(8) }), { secret: 'hush' }, 'secret: it is too short: at least 8 characters'],
  ['a record', z.record(z.string(), z.array(z.string())), { a: 1 }, 'a: 1 is not a list'],
])('D1: %s', (_, schema, data, said) => {
  expect(faults(schema, data)).toEqual([said]);
});

test('D1: of many faults a hundred are told, and all are counted', () => {
  const checked = checkInput(z.array(z.number()), Array.from({ length: 150 }, () => 'x'));
  expect([checked.faults.length, checked.count, checked.faults[149]]).toEqual([100, 150, undefined]);
});
