/** kill -9 of the whole process in the middle of a 50,000-PV snapshot and of a restore: J1, S1, R2. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WriteOutcome } from '../../src/channel-access/port.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, manyRecords, startCaClient, startDrey, startSoftIoc, type CaClient, type Drey } from '../harness/index.ts';

const iocCount = 10;
const perIoc = 5_000;
const total = iocCount * perIoc;
let iocs: Awaited<ReturnType<typeof startSoftIoc>>[];
let drey: Drey;
let ca: CaClient;
const names = Array.from({ length: total }, (_, n) => `C${Math.floor(n / perIoc)}:${n % perIoc}`);
const counters = names.map((name) => `${name}:CNT`);

beforeAll(async () => {
  iocs = await Promise.all(
    Array.from({ length: iocCount }, (_, ioc) =>
      // Every write of a setpoint processes its counter: how often it was written can be read.
      startSoftIoc({
        records:
          manyRecords(perIoc, (n) => ({ type: 'ao', name: `C${ioc}:${n}`, fields: { VAL: n, FLNK: `C${ioc}:${n}:CNT` } })) +
          manyRecords(perIoc, (n) => ({ type: 'calc', name: `C${ioc}:${n}:CNT`, fields: { CALC: 'VAL+1' } })),
        readyWithinMs: 60_000,
      }),
    ),
  );
  const addressList = iocs.map((ioc) => `127.0.0.1:${ioc.port}`).join(' ');
  ca = await startCaClient(addressList);
  drey = await startDrey({ addressList });
  await drey.post('/v1/pvs/multi', names.map((setpointAddress) => ({ setpointAddress })));
  await drey.connected(total);
}, 180_000);

afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await ca?.[Symbol.asyncDispose]();
  await Promise.all(iocs?.map((ioc) => ioc.stop()) ?? []);
});

const submit = async (path: string, body: unknown): Promise<string> => (await drey.post<{ jobId: string }>(path, body)).jobId;

const sample = Array.from({ length: iocCount }, (_, ioc) => `C${ioc}:100`);

test('J1, S1: killed in the middle of a snapshot, the job finishes after the restart and nothing half is listed', async () => {
  for (const delayMs of [0, 20, 60, 120]) {
    const jobId = await submit('/v1/snapshots', { title: `killed after ${delayMs} ms` });
    // The moment is the point here, so a wait by the clock is meant.
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await drey.kill9();
    await drey.restart();
    for (const snapshot of await drey.get<SnapshotSummary[]>('/v1/snapshots')) expect(snapshot.pvCount).toBe(total);
    const job = await drey.finished(jobId);
    expect(job).toMatchObject({ id: jobId });
    expect(['completed', 'failed']).toContain(job.status);
    if (job.status === 'completed') {
      const taken = await drey.get<SnapshotSummary>(`/v1/snapshots/${job.resultId}?limit=0`);
      expect(taken.pvCount).toBe(total);
      expect(taken.quality.rows).toBe(total);
    } else expect(job.error).toBeTruthy();
    const ofThisJob = (await drey.get<SnapshotSummary[]>('/v1/snapshots')).filter(({ title }) => title === `killed after ${delayMs} ms`);
    expect(ofThisJob).toHaveLength(job.status === 'completed' ? 1 : 0);
  }
}, 240_000);

test('R2, R4: killed in the middle of a restore, no row is written twice, each has one outcome, and the rest is written', async () => {
  await drey.connected(total);
  const { resultId } = await drey.finished(await submit('/v1/snapshots', { title: 'to restore' }));
  const moved = await ca.put(new Map(names.map((name, n) => [name, (n % perIoc) + 0.5])));
  expect([...moved.values()].filter((outcome) => outcome !== WriteOutcome.done)).toEqual([]);
  const before = await ca.get(counters);
  const jobId = await submit(`/v1/snapshots/${resultId}/restore`, { reason: 'crash test' });
  // In the middle of writing, as the machine itself shows it: some setpoints are back, others not.
  await eventually(async () => [...(await ca.get(sample)).values()].some((value) => Number.isInteger(value)), { saying: 'the restore to write', withinMs: 20_000, everyMs: 1 });
  await drey.kill9();
  await drey.restart();
  const job = await drey.finished(jobId);
  expect(['completed', 'failed']).toContain(job.status);
  const { counts, totalCount } = await drey.get<{ counts: Record<string, number>; totalCount: number }>(`/v1/jobs/${jobId}/rows?limit=1`);
  expect(totalCount).toBe(total);
  expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(total);
  const after = await ca.get(counters);
  const writtenTwice = counters.filter((counter) => after.get(counter)! - before.get(counter)! > 1);
  expect(writtenTwice).toEqual([]);
  // What is reported as verified stands on the machine; the rest was left to a person, by name.
  const values = await ca.get(names);
  const back = names.filter((name) => Number.isInteger(values.get(name)!)).length;
  expect(back).toBeGreaterThanOrEqual(counts['verified'] ?? 0);
  expect(back).toBeLessThanOrEqual((counts['verified'] ?? 0) + (counts['written'] ?? 0) + (counts['unknown'] ?? 0));
  expect(counts['verified'] ?? 0).toBeGreaterThan(total / 2);
}, 240_000);
