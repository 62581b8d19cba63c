/**
 * What is wrong with input, in our words: the field, the value, the limit. The only place that puts
 * the findings of the schemas into sentences; a schema's own sentence goes before.
 */
import type { z } from 'zod';

const mostFaults = 100;

export interface Checked<T> {
  readonly data: T | undefined;
  /** "field: what is wrong", at most 100. */
  readonly faults: readonly string[];
  /** Of those that are not told too. */
  readonly count: number;
}

export function checkInput<Schema extends z.ZodType>(schema: Schema, data: unknown): Checked<z.output<Schema>> {
  const result = schema.safeParse(data, { error: (issue) => sentenceOf(issue, data) });
  if (result.success) return { data: result.data, faults: [], count: 0 };
  const { issues } = result.error;
  return { data: undefined, faults: issues.slice(0, mostFaults).flatMap((issue) => faultLines(issue, data)), count: issues.length };
}

function faultLines(issue: z.core.$ZodIssue, data: unknown): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${pathOf([...issue.path, key])} is not a known field`);
  const place = pathOf(issue.path);
  if (valueAt(data, issue.path) === undefined) return [place === '' ? 'it is missing' : `${place} is missing`];
  return [`${place === '' ? '' : `${place}: `}${issue.message}`];
}

export function pathOf(path: readonly PropertyKey[]): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`)).join('');
}

/** As it came: what a schema has made of it on the way may say less. */
function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined), data);
}

const longestShown = 60;

function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > longestShown ? `${JSON.stringify(value.slice(0, longestShown))}…` : JSON.stringify(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'it';
  return String(value);
}

const kinds: Record<string, string> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'an object', record: 'an object', null: 'null', date: 'a time',
};
const kindOf = (expected: string): string => kinds[expected] ?? expected;

const formats: Record<string, string> = {
  uuid: 'no id', guid: 'no id', url: 'no URL', datetime: 'no ISO 8601 time, such as 2026-05-01T12:00:00Z', date: 'no ISO 8601 date, such as 2026-05-01', email: 'no mail address',
};

function listed(values: readonly unknown[]): string {
  const told = values.slice(0, 40).map(String);
  return told.length < 2 ? told.join('') : `${told.slice(0, -1).join(', ')} or ${told.at(-1)!}`;
}

function sentenceOf(issue: z.core.$ZodRawIssue, data: unknown): string {
  // A secret is not said back, not to a log either.
  // Within a form of several the path begins anew.
  const value = issue.path?.at(-1) === 'secret' ? undefined : issue.path?.length ? (valueAt(data, issue.path) ?? issue.input) : issue.input;
  switch (issue.code) {
    case 'invalid_type':
      return `${shown(value)} is not ${kindOf(issue.expected as string)}`;
    case 'too_small':
    case 'too_big':
      return sizeSentence(issue as unknown as SizeIssue, value);
    case 'invalid_format':
      return `${shown(value)} is ${formats[issue.format as string] ?? 'not in the form that is needed'}`;
    case 'not_multiple_of':
      return `${shown(value)} is no multiple of ${String(issue.divisor)}`;
    case 'invalid_value':
      return issue['expected'] === 'stringbool' ? `${shown(value)} is neither true nor false` : `${shown(value)} is none of ${listed(issue.values as unknown[])}`;
    case 'invalid_union':
      return unionSentence(issue as unknown as UnionIssue, value);
    case 'invalid_key':
    case 'invalid_element':
      return `${shown(value)} does not fit: ${(issue.issues as { message: string }[])[0]?.message ?? 'it is of another form'}`;
    default:
      return `${shown(value)} does not fit`;
  }
}

interface SizeIssue {
  readonly code: 'too_small' | 'too_big';
  readonly origin: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
}

function sizeSentence({ code, origin, minimum, maximum, inclusive = true }: SizeIssue, value: unknown): string {
  const small = code === 'too_small';
  const bound = String(small ? minimum : maximum);
  const limit = `${small ? (inclusive ? 'at least' : 'more than') : inclusive ? 'at most' : 'less than'} ${bound}`;
  switch (origin) {
    case 'string': {
      if (typeof value !== 'string') return `it is too ${small ? 'short' : 'long'}: ${limit} characters`;
      const length = small ? value.trim().length : value.length;
      return length === 0 ? `it is empty, ${limit} ${bound === '1' ? 'character is' : 'characters are'} needed` : `${shown(value)} has ${length} characters, ${limit} ${small ? 'are needed' : 'are taken'}`;
    }
    case 'array':
    case 'set': {
      const length = Array.isArray(value) ? value.length : 0;
      return `${length} ${length === 1 ? 'is' : 'are'} given, ${limit} ${bound === '1' ? 'is' : 'are'} ${small ? 'needed' : 'taken'}`;
    }
    default:
      return `${shown(value)} is too ${small ? 'small' : 'large'}: ${limit}`;
  }
}

interface UnionIssue {
  readonly errors?: readonly (readonly { readonly code: string; readonly path: readonly PropertyKey[]; readonly message: string; readonly expected?: string }[])[];
  readonly discriminator?: string;
  readonly inst?: { readonly _zod: { readonly propValues?: Readonly<Record<string, ReadonlySet<unknown>>> } };
}

function unionSentence({ errors = [], discriminator, inst }: UnionIssue, value: unknown): string {
  const choices = discriminator === undefined ? undefined : inst?._zod.propValues?.[discriminator];
  if (choices !== undefined) return `${shown(value)} is none of ${listed([...choices])}`;
  // The form that it comes closest to: the one whose kind it is already.
  const close = errors.find((form) => form.length > 0 && !(form[0]!.code === 'invalid_type' && form[0]!.path.length === 0));
  if (close) return `${close[0]!.path.length === 0 ? '' : `${pathOf(close[0]!.path)}: `}${close[0]!.message}`;
  return `${shown(value)} is not ${listed(errors.flatMap((form) => (form[0]?.expected === undefined ? [] : [kindOf(form[0].expected)])))}`;
}
