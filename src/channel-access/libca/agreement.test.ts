// The clients check each other: the same IOC, read and monitored by each, column by column. libca with and without native code.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../../testing/conformance/channel-access/client.ts';
import { mixedDb, startValuesIoc } from '../../../testing/conformance/channel-access/iocs.ts';
import { startSoftIoc, type SoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { ValueKind, type ValueColumns } from '../../contracts/values.ts';
import { createWireClient } from '../wire/index.ts';
import { createLibcaClient } from './index.ts';
import { createSweptLibcaClient } from './swept/index.ts';

const count = 2_000;
/** One of each of the kinds, shapes and special values that the suite knows. */
const special = [
  'C:X', 'C:FLOAT', 'C:LONG', 'C:SHORT', 'C:CHAR', 'C:INT64', 'C:ENUM', 'C:BINARY', 'C:TEXT', 'C:LONGTEXT.VAL$', 'C:TEXT.VAL$', 'C:LIMITED', 'C:NEVER', 'C:GUARDED',
  'C:ARRAY:DOUBLE', 'C:ARRAY:FLOAT', 'C:ARRAY:LONG', 'C:ARRAY:SHORT', 'C:ARRAY:UCHAR', 'C:ARRAY:ENUM', 'C:ARRAY:STRING', 'C:ARRAY:BIG', 'C:ARRAY:EMPTY',
];

/** Every column, in a form that compares NaN and bytes as they are. Row numbers are each client's own. */
function shown(values: ValueColumns): unknown[] {
  const columns = ['outcome', 'kind', 'severity', 'status', 'timeNs', 'code', 'metaHash', 'access'] as const;
  return Array.from({ length: values.length }, (_, i) => ({
    ...Object.fromEntries(columns.map((column) => [column, String(values[column][i])])),
    num: Buffer.from(new Float64Array([values.num[i]!]).buffer).toString('hex'),
    text: values.text.get(i),
    bytes: values.bytes.has(i) ? Buffer.from(values.bytes.get(i)!).toString('base64') : undefined,
    raw: values.rawText.has(i),
  }));
}

describe('The client in TypeScript and libca', () => {
  let many: SoftIoc, values: SoftIoc;
  let clients: [Client, Client, Client];
  beforeAll(async () => {
    [values, many] = await Promise.all([startValuesIoc(), startSoftIoc({ records: mixedDb(count) })]);
    const native = await libcaOnThisMachine();
    const ports = [values.port, many.port];
    clients = [
      await Client.start(createWireClient, { ports }),
      await Client.start((options) => createLibcaClient({ ...options, ...native }), { ports, options: { threads: 2 } }),
      await Client.start((options) => createSweptLibcaClient({ ...options, library: native.library, sweepMs: 200 }), { ports, options: { threads: 2 } }),
    ];
  });
  afterAll(async () => {
    await Promise.all((clients ?? []).map((client) => client.ca.stop()));
    await Promise.all([values?.stop(), many?.stop()]);
  });

  const agreeOn = async (names: readonly string[]): Promise<void> => {
    const [wire, ...others] = await Promise.all(clients.map(async (client) => {
      const rows = await client.connect(names, { monitor: true, withinMs: 40_000 });
      await client.until(() => rows.every((row) => client.ca.columns.metaHash[row] !== 0n), { saying: 'all to be described', withinMs: 20_000 });
      await client.until(() => rows.every((row) => client.ca.monitored(Int32Array.of(row)).outcome[0] === 1), { saying: 'all first values', withinMs: 20_000 });
      const read = await client.ca.read(client.iocOf(rows[0]!), rows, 10_000);
      return { read: shown(read), monitored: shown(client.ca.monitored(rows)), metas: Array.from(rows, (row) => client.ca.meta(client.ca.columns.metaHash[row]!)) };
    }));
    for (const what of ['read', 'monitored', 'metas'] as const) {
      for (const other of others) names.forEach((name, i) => expect(other[what][i], `${name} ${what}`).toEqual(wire![what][i]));
    }
    expect(wire!.read.filter((row) => (row as { outcome: string }).outcome !== '1')).toEqual([]);
  };

  test(`agree on every column of ${count} mixed channels, read and monitored`, async () => {
    await agreeOn(Array.from({ length: count }, (_, n) => `C:MANY:${n}`));
  }, 90_000);

  test('S1: agree that a record without an element has no value', async () => {
    const [wire, ...others] = await Promise.all(clients.map(async (client) => {
      const rows = await client.connect(['C:SHORT', 'C:CHAR', 'C:GUARDED']);
      return shown(await client.ca.read(client.iocOf(rows[0]!), rows, 10_000)).map((row) => ({ ...row as object, metaHash: '' }));
    }));
    for (const other of others) expect(other).toEqual(wire);
    expect(wire!.map((row) => (row as { outcome?: string }).outcome)).toEqual(['7', '7', '1']);
  });

  test('S3: agree on every kind and shape of value', async () => {
    const [writer] = clients;
    const rows = await writer.connect(['C:X', 'C:FLOAT', 'C:TEXT', 'C:ARRAY:BIG', 'C:SHORT', 'C:CHAR']);
    await writer.write(rows[0]!, NaN);
    await writer.write(rows[1]!, -Infinity);
    await writer.write(rows[2]!, { rawText: Uint8Array.of(0x41, 0xff, 0x42) });
    await writer.write(rows[4]!, -1);
    await writer.write(rows[5]!, 255);
    await writer.write(rows[3]!, { kind: ValueKind.double, array: Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i)) });
    await agreeOn(special);
  }, 90_000);
});
