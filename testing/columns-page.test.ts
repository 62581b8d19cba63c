/** docs/columns.md, as somebody would use it who has only the page: its own decoders, run on frames. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeFrame } from '../src/contracts/frame.ts';
import { emptyValueColumns, ReadOutcome, readOutcomeNames, ValueKind, valueKindNames } from '../src/contracts/values.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/columns.md'), 'utf8');
const code = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)![1]!;

const columns = emptyValueColumns(9);
columns.outcome.fill(ReadOutcome.ok);
columns.channel.set([11, 12, 13, 14, 15, 16, 17, 18, 19]);
columns.kind.set([ValueKind.double, ValueKind.enum, ValueKind.text, ValueKind.text, ValueKind.int64, ValueKind.double, ValueKind.int16, ValueKind.text, ValueKind.float]);
columns.num.set([-1.5, 2, 0, 0, 9007199254740992, 0, 0, 0, 7]);
columns.timeNs.set([1_700_000_000_123_456_789n]);
columns.metaHash.set([-5n, 77n]);
columns.severity[1] = 2;
columns.status[1] = 3;
columns.access[0] = 7;
columns.outcome[8] = ReadOutcome.timeout;
columns.text.set(2, 'grün').set(4, '9007199254740993').set(7, 'caf\ufffd');
columns.bytes.set(5, new Uint8Array(Float64Array.of(1, NaN, -0).buffer)).set(6, new Uint8Array(Int16Array.of(-2, 300).buffer)).set(7, Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
columns.rawText.add(7);
const frame = encodeFrame({ type: 'initial', names: ['ä'], count: 9 }, columns);
/** As text, so that both languages are held to the same. */
const expected = ['-1.5', '2', 'grün', '', '9007199254740993', '[1,NaN,0]', '[-2,300]', 'caf\ufffd', 'null'];

test('the JavaScript of the page decodes a frame', async () => {
  const { decodeColumns } = (await import(`data:text/javascript,${encodeURIComponent(code('js'))}`)) as { decodeColumns(buffer: ArrayBuffer): { head: unknown; rows: number; columns: Record<string, ArrayLike<number | bigint>>; value(row: number): unknown } };
  const decoded = decodeColumns(frame.slice().buffer);
  expect(decoded.head).toEqual({ type: 'initial', names: ['ä'], count: 9 });
  for (const name of ['timeNs', 'metaHash', 'num', 'channel', 'code', 'outcome', 'kind', 'severity', 'status', 'access'] as const) expect(Array.from(decoded.columns[name]!), name).toEqual(Array.from(columns[name] as ArrayLike<number | bigint>));
  expect(expected.map((_, row) => { const value = decoded.value(row); return ArrayBuffer.isView(value) ? `[${(value as unknown as number[]).join(',')}]` : String(value); })).toEqual(expected);
  const empty = decodeColumns(encodeFrame({ type: 'diff' }, emptyValueColumns(0)).slice().buffer);
  expect(empty).toMatchObject({ head: { type: 'diff' }, rows: 0 });
});

const python = spawnSync('python3', ['--version']).status === 0;

test.runIf(python)('the Python of the page decodes a frame', () => {
  const script = `${code('python')}
import sys
def told(value):
    if value is None: return "null"
    if isinstance(value, list): return "[" + ",".join("NaN" if x != x else str(int(x)) for x in value) + "]"
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
head, columns, values = decode_columns(sys.stdin.buffer.read())
print(json.dumps([head, {name: list(column) for name, column in columns.items()}, [told(value) for value in values]]))
`;
  const { stdout, stderr } = spawnSync('python3', ['-c', script], { input: frame, encoding: 'utf8' });
  expect(stderr).toBe('');
  const [head, decoded, values] = JSON.parse(stdout) as [unknown, Record<string, number[]>, string[]];
  expect(head).toEqual({ type: 'initial', names: ['ä'], count: 9 });
  for (const name of ['num', 'channel', 'outcome', 'kind', 'severity', 'status', 'access'] as const) expect(decoded[name], name).toEqual(Array.from(columns[name]));
  expect(values).toEqual(expected);
});

test('kinds and outcomes of the page are those of the code', () => {
  for (const [number, name] of valueKindNames.entries()) expect(page).toContain(`${number} ${name}`);
  for (const [number, name] of readOutcomeNames.entries()) expect(page.replaceAll(/\s+/g, ' ')).toContain(`${number} ${name}`);
});
