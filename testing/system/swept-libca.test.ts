/** The whole system on libca without native code: what it still does, what it says that it does not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WriteOutcome } from '../../src/channel-access/port.ts';
import type { RestoreRow } from '../../src/contracts/restores.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, hang, manyRecords, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

const perIoc = 50;
const deadlineMs = 1_500;
let iocs: Awaited<ReturnType<typeof startSoftIoc>>[];
let drey: Drey;

beforeAll(async () => {
  iocs = await Promise.all([0, 1].map((ioc) => startSoftIoc({ records: manyRecords(perIoc, (n) => ({ type: 'ao', name: `I${ioc}:${n}`, fields: { VAL: n } })) })));
  drey = await startDrey({
    addressList: iocs.map(({ port }) => `127.0.0.1:${port}`).join(' '),
    environment: { DREY_CA: 'libca', DREY_LIBCA_SINK: 'off', DREY_LIBCA_SWEEP_MS: '200', DREY_BREAKER_BASE_MS: '1000', DREY_CA_ECHO_IDLE_MS: '1000' },
  });
  await drey.post('/v1/pvs/multi', iocs.flatMap((_, ioc) => Array.from({ length: perIoc }, (_unused, n) => ({ setpointAddress: `I${ioc}:${n}` }))));
  await drey.connected(2 * perIoc);
}, 120_000);

afterAll(async () => {
  iocs?.[1]?.process.signal('SIGCONT');
  await drey?.[Symbol.asyncDispose]();
  await Promise.all(iocs?.map((ioc) => ioc.stop()) ?? []);
});

const take = (title: string, mode = 'live'): Promise<SnapshotSummary> => drey.post('/v1/snapshots?async=false', { title, mode, deadlineMs });

async function put(values: Record<string, number>): Promise<void> {
  await using ca = await startCaClient(iocs.map(({ port }) => `127.0.0.1:${port}`).join(' '));
  const outcomes = await ca.put(new Map(Object.entries(values)));
  expect([...outcomes.values()].every((outcome) => outcome === WriteOutcome.done)).toBe(true);
}

test('it says in its health and to the doctor what is lost', async () => {
  const { hosts } = await drey.get<{ hosts: { lacks: string[] }[] }>('/v1/health/summary');
  expect(hosts[0]!.lacks.join('\n')).toContain('read every 200 ms');
  expect((await drey.cli('doctor')).stdout).toContain('without a sink: monitored values are read every 200 ms');
});

test('a snapshot from monitored columns has what another client has just written; a restore brings it back', async () => {
  const before = await take('as it was');
  expect(before.quality.outcomes).toEqual({ ok: 2 * perIoc });
  await put({ 'I0:3': 33, 'I1:4': 44 });
  const monitored = await take('changed', 'monitored');
  const diff = await drey.cli('snapshot', 'diff', before.id, monitored.id, '--json');
  expect((JSON.parse(diff.stdout) as { differences: { pvName: string }[] }).differences.map(({ pvName }) => pvName).sort()).toEqual(['I0:3', 'I1:4']);
  const restored = await drey.cli('snapshot', 'restore', before.id, '--yes', '--reason', 'test', '--json');
  const { rows } = JSON.parse(restored.stdout) as { rows: RestoreRow[] };
  expect(rows.filter(({ outcome }) => outcome !== 'unchanged').map(({ pvName, outcome }) => [pvName, outcome]).sort()).toEqual([['I0:3', 'verified'], ['I1:4', 'verified']]);
}, 60_000);

test('I1, I2: a hung IOC costs its own PVs one deadline, then its breaker is open; it closes by itself', async () => {
  await hang(iocs[1]!.process);
  const first = await take('one hangs');
  expect(first.quality.outcomes).toMatchObject({ ok: perIoc });
  expect(first.quality.durationMs).toBeLessThan(2 * deadlineMs);
  await eventually(async () => (await take('breaker open')).quality.outcomes['iocOpen'] === perIoc, { saying: 'the breaker to open', withinMs: 15_000 });
  const open = await take('breaker open still');
  expect(open.quality.durationMs).toBeLessThan(deadlineMs);
  iocs[1]!.process.signal('SIGCONT');
  await eventually(async () => (await take('well again')).quality.outcomes['ok'] === 2 * perIoc, { saying: 'the IOC to be read again', withinMs: 20_000 });
}, 90_000);
