/** S3 from the IOC to the API and back to the IOC: the awkward values. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import type { RestorePlan } from '../../src/contracts/restores.ts';
import { eventually, recordsDb, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

const big = 100_000;
let ioc: Awaited<ReturnType<typeof startSoftIoc>>;
let drey: Drey;

const records = recordsDb([
  { type: 'ao', name: 'V:NAN', fields: { VAL: 'NaN' } },
  { type: 'ao', name: 'V:INF', fields: { VAL: 'Inf' } },
  { type: 'ao', name: 'V:NEGINF', fields: { VAL: '-Inf' } },
  { type: 'longout', name: 'V:LONG', fields: { VAL: -2147483648 } },
  { type: 'int64out', name: 'V:INT64', fields: { VAL: '9007199254740991' } },
  { type: 'stringout', name: 'V:EMPTY', fields: { VAL: '' } },
  { type: 'stringout', name: 'V:UTF8', fields: { VAL: 'Größe 5 µm' } },
  { type: 'lso', name: 'V:LONGTEXT', fields: { SIZV: 200 } },
  { type: 'waveform', name: 'V:BIG', fields: { FTVL: 'DOUBLE', NELM: big } },
  { type: 'waveform', name: 'V:NONE', fields: { FTVL: 'LONG', NELM: 8 } },
  { type: 'ao', name: 'V:LIMITED', fields: { VAL: 5, DRVL: 0, DRVH: 10, EGU: 'A' } },
  { type: 'ai', name: 'V:FAR', fields: { VAL: 50, EGU: 'A' } },
]);
const longText = 'a text that is much longer than the forty characters of a DBR string, for sure: µ';
const names = ['V:NAN', 'V:INF', 'V:NEGINF', 'V:LONG', 'V:INT64', 'V:EMPTY', 'V:UTF8', 'V:LONGTEXT.VAL$', 'V:BIG', 'V:NONE', 'V:LIMITED'];

interface Row {
  pvName: string;
  setpointValue: { value: unknown; timestampNs: string; severity: number; outcome: string };
}

beforeAll(async () => {
  ioc = await startSoftIoc({ records, maxArrayBytes: 10_000_000 });
  drey = await startDrey({ addressList: `127.0.0.1:${ioc.port}` });
  await drey.post('/v1/pvs/multi', names.map((setpointAddress) => ({ setpointAddress })));
  await drey.connected(names.length);
}, 120_000);

afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await ioc?.stop();
});

async function takeAndRead(title: string): Promise<{ id: string; values: Map<string, unknown> }> {
  const { id } = await drey.post<SnapshotSummary>('/v1/snapshots?async=false', { title });
  const { pvValues } = await drey.get<{ pvValues: Row[] }>(`/v1/snapshots/${id}`);
  return { id, values: new Map(pvValues.map((row) => [row.pvName, row.setpointValue.value])) };
}

test('S3: awkward values come through capture, storage and API unchanged', async () => {
  // A long string cannot be given in a database file.
  await write('V:LONGTEXT.VAL$', longText);
  const { values } = await takeAndRead('awkward');
  expect(values.get('V:NAN')).toBe('NaN');
  expect(values.get('V:INF')).toBe('Infinity');
  expect(values.get('V:NEGINF')).toBe('-Infinity');
  expect(values.get('V:LONG')).toBe(-2147483648);
  expect(values.get('V:INT64')).toBe(9007199254740991);
  expect(values.get('V:EMPTY')).toBe('');
  expect(values.get('V:UTF8')).toBe('Größe 5 µm');
  expect(values.get('V:LONGTEXT.VAL$')).toBe(longText);
  expect(values.get('V:NONE')).toEqual([]);
});

test('S3: a waveform of 100,000 elements is captured, changed, seen to differ, and restored element by element', async () => {
  const wave = Array.from({ length: big }, (_, i) => Math.sin(i) * 1e-3);
  await write('V:BIG', wave);
  const saved = await takeAndRead('wave');
  expect(saved.values.get('V:BIG')).toEqual(wave);
  await write('V:BIG', wave.map((value, i) => (i === 99_999 ? 1 : value)));
  const changed = await takeAndRead('changed wave');
  const { differences } = await drey.get<{ differences: { pvName: string }[] }>(`/v1/snapshots/${saved.id}/compare/${changed.id}`);
  expect(differences.map((row) => row.pvName)).toEqual(['V:BIG']);
  await restore(saved.id);
  expect((await takeAndRead('wave again')).values.get('V:BIG')).toEqual(wave);
});

test('S3: NaN, infinities, text and long text are put back', async () => {
  const saved = await takeAndRead('before');
  for (const name of ['V:NAN', 'V:INF', 'V:NEGINF']) await write(name, 0);
  await write('V:UTF8', 'other');
  await write('V:EMPTY', 'not empty');
  await write('V:LONGTEXT.VAL$', 'short');
  await restore(saved.id);
  const again = await takeAndRead('after');
  for (const name of names) expect(again.values.get(name), name).toEqual(saved.values.get(name));
});

test('a value outside DRVL and DRVH is not written, and the plan says so with both limits', async () => {
  const saved = await takeAndRead('in the old limits');
  await using ca = await startCaClient(`127.0.0.1:${ioc.port}`);
  await ca.put(new Map([['V:LIMITED', 2], ['V:LIMITED.DRVH', 3]]));
  // The IOC tells of changed limits when it gets to it.
  const plan = await eventually(
    async () => {
      const made = await drey.post<RestorePlan>(`/v1/snapshots/${saved.id}/restore/plan?verdict=skipped`, { pvNames: ['V:LIMITED'] });
      return made.rows.length === 1 ? made : undefined;
    },
    { saying: 'the changed limit to be known', everyMs: 50 },
  );
  expect(plan.rows).toMatchObject([{ pvName: 'V:LIMITED', why: 'outOfLimits', detail: '5 is outside the drive limits 0 to 3 A', target: 5, live: 2 }]);
  const result = await restore(saved.id, ['V:LIMITED']);
  expect(result.rows).toMatchObject([{ pvName: 'V:LIMITED', outcome: 'skipped', why: 'outOfLimits', detail: '5 is outside the drive limits 0 to 3 A' }]);
  expect((await ca.get(['V:LIMITED'])).get('V:LIMITED')).toBe(2);
});

test('entries that share a readback both have it, and configuration channels are captured too, live and from monitors', async () => {
  await drey.post('/v1/pvs/multi', [
    { setpointAddress: 'V:FAR', readbackAddress: 'V:LIMITED', configAddress: 'V:LIMITED.EGU' },
    { readbackAddress: 'V:LIMITED', configAddress: 'V:LIMITED.DRVH', device: 'shares' },
    { configAddress: 'V:FAR.EGU', device: 'configuration alone' },
  ]);
  await drey.connected(names.length + 4);
  for (const mode of ['live', 'monitored']) {
    const rows = await eventually(async () => {
      const { id } = await drey.post<SnapshotSummary>('/v1/snapshots?async=false', { title: `shared, ${mode}`, mode });
      const { pvCount, pvValues } = await drey.get<{ pvCount: number; pvValues: Record<string, { value: unknown } | null>[] }>(`/v1/snapshots/${id}`);
      expect(pvCount).toBe(names.length + 4);
      const shown = pvValues.map((row) => [row['setpointValue'], row['readbackValue'], row['configValue']].map((cell) => cell?.value)).filter((values) => values[1] !== undefined || values[2] !== undefined);
      return shown.flat().includes(null) ? undefined : shown;
    }, { saying: `values of all, ${mode}`, everyMs: 100 });
    expect(rows, mode).toEqual(expect.arrayContaining([[50, 2, 'A'], [undefined, 2, 3], [undefined, undefined, 'A']]));
    expect(rows).toHaveLength(3);
  }
});

async function restore(id: string, pvNames?: string[]): Promise<{ rows: { pvName: string; outcome: string; why: string }[] }> {
  const { jobId } = await drey.post<{ jobId: string }>(`/v1/snapshots/${id}/restore`, { reason: 'test', ...(pvNames ? { pvNames } : {}) });
  expect(await drey.finished(jobId)).toMatchObject({ status: 'completed' });
  return drey.get(`/v1/jobs/${jobId}/rows?limit=1000`);
}

/** Any value through the CA client that the test owns. */
async function write(name: string, value: number | string | number[]): Promise<void> {
  await using ca = await startCaClient(`127.0.0.1:${ioc.port}`);
  const outcomes = await ca.put(new Map([[name, value]]));
  expect([...outcomes.values()]).toEqual([1]);
}
