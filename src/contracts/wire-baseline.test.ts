import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { subjectTable, type SubjectRow } from './subjects.ts';

const line = ({ subject, kind, body, answer }: SubjectRow): string => [subject, kind, body, ...(answer === undefined ? [] : [answer])].join(' | ');

const baseline = new Map(
  readFileSync(new URL('./wire-baseline.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((text) => text !== '' && !text.startsWith('#'))
    .map((text) => {
      const [subject = '', kind = '', body = '', answer = ''] = text.split(' | ');
      return [subject, { subject, kind, body, answer }];
    }),
);

/** The fields of `{a, b?: T, c: {d}}`; undefined for anything else. */
function fieldsOf(shape: string): string[] | undefined {
  if (!shape.startsWith('{') || !shape.endsWith('}')) return undefined;
  const fields: string[] = [];
  let depth = 0;
  let field = '';
  for (const letter of shape.slice(1, -1)) {
    if ('{[('.includes(letter)) depth += 1;
    if ('}])'.includes(letter)) depth -= 1;
    if (letter === ',' && depth === 0) {
      fields.push(field.trim());
      field = '';
    } else field += letter;
  }
  return [...fields, field.trim()].filter((text) => text !== '');
}

/** Older programs go on working: nothing is gone or changed, and what is new is optional. */
function extendsShape(now: string, before: string, newMustBeOptional: boolean): boolean {
  if (now === before) return true;
  const old = fieldsOf(before);
  const fields = fieldsOf(now);
  if (!old || !fields) return false;
  const added = fields.filter((field) => !old.includes(field));
  return old.every((field) => fields.includes(field)) && (!newMustBeOptional || added.every((field) => /^\w+\?/.test(field)));
}

test('what the wire baseline says of a subject, its kind and its body still holds', () => {
  const rows = new Map(subjectTable.map((row) => [row.subject, row]));
  for (const was of baseline.values()) {
    const row = rows.get(was.subject);
    expect(row, `${was.subject} is in the baseline and gone from the table`).toBeDefined();
    expect(row!.kind, was.subject).toBe(was.kind);
    expect(extendsShape(row!.body, was.body, true), `${was.subject}: body ${row!.body} breaks ${was.body}`).toBe(true);
    expect(extendsShape(row!.answer ?? '', was.answer, false), `${was.subject}: answer ${row!.answer} breaks ${was.answer}`).toBe(true);
  }
});

test('every row of the subject table is in the baseline as it stands', () => {
  const missing = subjectTable.map(line).filter((text) => {
    const was = baseline.get(text.split(' | ')[0]!);
    return was === undefined || [was.subject, was.kind, was.body, ...(was.answer === '' ? [] : [was.answer])].join(' | ') !== text;
  });
  expect(missing, 'add these lines to contracts/wire-baseline.txt').toEqual([]);
});

test('no subject is in the table twice', () => {
  expect(new Set(subjectTable.map(({ subject }) => subject)).size).toBe(subjectTable.length);
});

test('the rule of the baseline lets optional fields in and nothing else', () => {
  expect(extendsShape('{id, limit?}', '{id}', true)).toBe(true);
  expect(extendsShape('{id, found: {ioc: ids}}', '{id}', false)).toBe(true);
  expect(extendsShape('{id, limit}', '{id}', true)).toBe(false);
  expect(extendsShape('{name}', '{id}', true)).toBe(false);
  expect(extendsShape('frame Other', 'frame ReadItem', true)).toBe(false);
});
