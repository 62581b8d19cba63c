/** Files as they arrive after an editor, a transfer or a full disk had them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyValueColumns, ReadOutcome, ValueKind } from '../contracts/values.ts';
import { atOnce } from '../kernel/in-turns.ts';
import { createTextReader, textOfFile } from './file-text.ts';
import { snapshotFormatNames, snapshotFormats, type SnapshotFormat } from './registry.ts';
import { plainEntry, type ReadSnapshotFile, type SnapshotContent } from './snapshot-file.ts';

const names = ['DEMO:A', 'DEMO:B', 'DEMO:C'];
const content: SnapshotContent = { title: 'Größe', description: 'one\ntwo', createdBy: 'op', createdDate: '2026-08-01T10:15:00.000Z', names, columns: emptyValueColumns(3), metas: [undefined, undefined, undefined], entries: names.map((name) => plainEntry(name)) };
content.columns.outcome.fill(ReadOutcome.ok);
content.columns.kind.set([ValueKind.double, ValueKind.text, ValueKind.double]);
content.columns.num[0] = 12.5;
content.columns.text.set(1, 'Größe');
content.columns.bytes.set(2, new Uint8Array(Float64Array.of(1, 2.5).buffer));

const sound = (format: SnapshotFormat): string => snapshotFormats[format].write(content).text;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function readBytes(format: SnapshotFormat, bytes: Uint8Array): ReadSnapshotFile {
  const read = textOfFile(bytes);
  return 'fault' in read ? { content: null, faults: [read.fault], losses: [] } : atOnce(snapshotFormats[format].read(read.text));
}

const values = ({ content: read }: ReadSnapshotFile): unknown => [read?.names, read?.columns.num, read?.columns.text, read?.columns.bytes];

test.each(snapshotFormatNames)('%s: with CRLF, or with a byte order mark, it is read the same', (format) => {
  const plain = readBytes(format, bytesOf(sound(format)));
  expect(plain.faults).toEqual([]);
  expect(values(readBytes(format, bytesOf(sound(format).replaceAll('\n', '\r\n'))))).toEqual(values(plain));
  expect(values(readBytes(format, bytesOf(`\ufeff${sound(format)}`)))).toEqual(values(plain));
});

test.each(snapshotFormatNames)('D1: %s in UTF-16 or Latin-1 is refused with its line', (format) => {
  const text = sound(format);
  const wide = new Uint8Array([...text].flatMap((char) => [char.charCodeAt(0) & 255, char.charCodeAt(0) >> 8]));
  expect(readBytes(format, Uint8Array.of(0xff, 0xfe, ...wide)).faults).toEqual(['line 1: the file is UTF-16: save it as UTF-8']);
  expect(readBytes(format, wide).faults).toEqual(['line 1: holds a NUL byte: the file is UTF-16, or no text at all']);
  const line = text.split('\n').findIndex((one) => /[öß]/.test(one));
  expect(readBytes(format, Uint8Array.from([...text], (char) => char.charCodeAt(0))).faults).toEqual([expect.stringMatching(new RegExp(`^line ${line + 1}, character \\d+: is not UTF-8 text`))]);
});

test.each(snapshotFormatNames)('D1: %s cut off anywhere is refused with a line, or told to have no last line break', (format) => {
  const whole = bytesOf(sound(format));
  const full = JSON.stringify(names);
  for (let length = 0; length < whole.length - 1; length++) {
    const { content: read, faults, losses } = readBytes(format, whole.subarray(0, length));
    if (read === null) expect(faults.join('\n'), String(length)).toMatch(/^line \d+/);
    // Formats without an end mark: cut between two lines nobody can tell, but not everything is there.
    else if (whole[length - 1] === 10) expect(['burt', 'psi', 'phoebus']).toContain(format);
    else if (format !== 'sav' && format !== 'ndjson') expect(losses.join('\n'), `${length} ${full}`).toContain('no line break ends the last line');
  }
});

test.each(snapshotFormatNames)('D1: %s with bytes of no text among its own, or of nothing else, is refused with a line and never more than that', (format) => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (noise, at) => {
    const whole = bytesOf(sound(format));
    const cut = at % whole.length;
    for (const bytes of [noise, Uint8Array.of(...whole.subarray(0, cut), ...noise, ...whole.subarray(cut))]) {
      const { content: read, faults } = readBytes(format, bytes);
      if (read === null) expect(faults.join('\n')).toMatch(/^line \d+/);
    }
  }));
});

const long = 4_000_000;
const longLines: readonly [SnapshotFormat, string, () => string][] = [
  ...snapshotFormatNames.map((format): [SnapshotFormat, string, () => string] => [format, 'alone', () => 'A'.repeat(long)]),
  ...snapshotFormatNames.map((format): [SnapshotFormat, string, () => string] => [format, 'after sound ones', () => `${sound(format).split('\n').slice(0, format === 'ndjson' ? 1 : 11).join('\n')}\n${'A'.repeat(long)}\n`]),
  ['ndjson', 'in a name', () => `${sound('ndjson').split('\n')[0]}\n{"pv":"${'A'.repeat(long)}`],
  ['sav', 'of escapes', () => `A @array@ { "${'\\"'.repeat(long / 2)}\n<END>\n`],
  ['burt', 'of words', () => `--- Start BURT header\n--- End BURT header\nA 2 "${'x '.repeat(long / 2)}\n`],
  ['psi', 'of escapes', () => `#{}\nA,"${'\\"'.repeat(long / 2)}\n`],
  ['psi', 'of NaN', () => `#{}\nA,"${'NaN\\"'.repeat(long / 5)}\n`],
];
test.each(longLines)('D1: %s with a line of megabytes (%s) is refused with its number, in few words', (format, _, text) => {
  const { content: read, faults } = readBytes(format, bytesOf(text()));
  expect(read === null).toBe(true);
  expect(faults[0]!.slice(0, 20)).toMatch(/^line \d+: /);
  expect(faults[0]!.length).toBeLessThan(500);
});

test('a value of megabytes is read: a long waveform is a long line', () => {
  const many = { ...content, columns: { ...content.columns, bytes: new Map([[2, new Uint8Array(new Float64Array(40_000).fill(1.5).buffer)]]), text: new Map([[1, '"\\'.repeat(100_000)]]) } };
  for (const format of snapshotFormatNames) {
    const back = readBytes(format, bytesOf(snapshotFormats[format].write(many).text));
    expect(back.faults.map((fault) => fault.slice(0, 200)), format).toEqual([]);
    expect(Buffer.compare(back.content!.columns.bytes.get(back.content!.names.indexOf('DEMO:C'))!, many.columns.bytes.get(2)!)).toBe(0);
  }
});

test('text that comes in pieces is the text that came at once, and a fault has the same line', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }).map((text) => bytesOf(text)), fc.constant(Uint8Array.of(10)), fc.uint8Array({ maxLength: 3 }))), fc.integer({ min: 1, max: 9 }), (parts, size) => {
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const reader = createTextReader();
    let text = '';
    let fault: string | undefined;
    for (let at = 0; at <= bytes.length && fault === undefined; at += size) {
      const read = reader.push(bytes.subarray(at, at + size), at + size > bytes.length);
      if ('fault' in read) fault = read.fault;
      else text += read.text;
    }
    const whole = textOfFile(bytes);
    if ('text' in whole) expect({ text, fault }).toEqual({ text: whole.text, fault: undefined });
    else expect(fault?.split(':')[0]?.split(',')[0]).toMatch(/^line \d+$/);
  }));
});
