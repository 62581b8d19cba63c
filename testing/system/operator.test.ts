/** What an operator does in a shift, on real soft IOCs, through the command line and plain HTTP. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WriteOutcome } from '../../src/channel-access/port.ts';
import type { RestorePlan, RestoreRow } from '../../src/contracts/restores.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, manyRecords, recordsDb, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

const setpoints = 40;
let iocs: Awaited<ReturnType<typeof startSoftIoc>>[];
let drey: Drey;

const magnets = (ioc: number): string => manyRecords(setpoints / 2, (n) => ({ type: 'ao', name: `QUAD:LI2${ioc}:${n}:BCTRL`, fields: { VAL: n, DRVL: -100, DRVH: 100, EGU: 'kG', PREC: 3 } }));
const others = recordsDb([
  { type: 'mbbo', name: 'KLYS:LI21:1:MODE', fields: { ZRST: 'Off', ONST: 'Standby', TWST: 'On', VAL: 1, ZRVL: 0, ONVL: 1, TWVL: 2 } },
  { type: 'stringout', name: 'SIOC:LI21:1:NOTE', fields: { VAL: 'shift start' } },
  { type: 'ai', name: 'QUAD:LI21:1:BACT', fields: { VAL: 1.5, EGU: 'kG' } },
]);
const addressList = (): string => iocs.map((ioc) => `127.0.0.1:${ioc.port}`).join(' ');
const entries = 2 * (setpoints / 2) + 3;

beforeAll(async () => {
  iocs = await Promise.all([startSoftIoc({ records: magnets(1) + others }), startSoftIoc({ records: magnets(2) })]);
  drey = await startDrey({ addressList: addressList() });
  const lines = ['Setpoint,Readback,Device,Abs Tolerance,Read Only,Area'];
  for (const ioc of [1, 2]) for (let n = 0; n < setpoints / 2; n++) lines.push(`QUAD:LI2${ioc}:${n}:BCTRL,${ioc === 1 && n === 1 ? 'QUAD:LI21:1:BACT' : ''},QUAD:LI2${ioc}:${n},0.001,no,LI2${ioc}`);
  lines.push('KLYS:LI21:1:MODE,,KLYS:LI21:1,,no,LI21', 'SIOC:LI21:1:NOTE,,SIOC:LI21:1,,no,LI21', 'NO:SUCH:PV,,GHOST,,no,LI21');
  writeFileSync(join(drey.dataFolder, 'pvs.csv'), `${lines.join('\n')}\n`);
  const imported = await drey.cli('pv', 'import', join(drey.dataFolder, 'pvs.csv'));
  expect(imported).toMatchObject({ code: 0, stdout: `registered ${entries} entries\nnew tag group Area with 2 new tags: LI21, LI22\n` });
  await drey.connected(entries);
}, 120_000);

test('A1: a key is made on the command line beside the running Drey, and recorded', async () => {
  const { code, stdout } = await drey.cli('key', 'panel', '--scope', 'read');
  expect(code).toBe(0);
  expect(stdout.trim()).toMatch(/^drey_\S+$/);
  const audit = await drey.get<{ results: object[] }>('/v1/audit?what=apiKeys.create&subject=panel');
  expect(audit.results).toMatchObject([{ who: 'command line', after: { scopes: ['read'] } }]);
}, 60_000);

test('what `pv export` writes, `pv import` takes again without a change, and `--on-existing update` changes what differs', async () => {
  const file = join(drey.dataFolder, 'exported.csv');
  expect((await drey.cli('pv', 'export', '-o', file)).code).toBe(0);
  expect(await drey.cli('pv', 'import', file)).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^registered 0 entries, ${entries.toLocaleString('en')} unchanged\n`)) });
  writeFileSync(file, 'Setpoint,Description\nNO:SUCH:PV,not built\nSIOC:LI21:1:NOTE,\n');
  const refused = await drey.cli('pv', 'import', file);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('line 2: setpoint NO:SUCH:PV is of a catalogue entry that differs: Description none, here "not built"');
  expect(refused.stderr).toContain('--on-existing update');
  expect(await drey.cli('pv', 'import', file, '--on-existing', 'update')).toMatchObject({ code: 0, stdout: 'registered 0 entries, edited 1, 1 unchanged\n' });
  // A request file says the names alone: nothing else of the entry changes.
  writeFileSync(file.replace('.csv', '.req'), 'NO:SUCH:PV\n');
  expect(await drey.cli('pv', 'import', file.replace('.csv', '.req'), '--on-existing', 'update')).toMatchObject({ code: 0, stdout: 'registered 0 entries, 1 unchanged\n' });
});

afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await Promise.all(iocs?.map((ioc) => ioc.stop()) ?? []);
});

/** Another CA client than Drey's own process, as an operator's screen would be. */
async function put(values: Record<string, number>): Promise<void> {
  await using ca = await startCaClient(addressList());
  const outcomes = await ca.put(new Map(Object.entries(values)));
  expect([...outcomes.values()].every((outcome) => outcome === WriteOutcome.done)).toBe(true);
}

async function take(title: string): Promise<SnapshotSummary> {
  const { code, stdout, stderr } = await drey.cli('snapshot', 'take', title, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as SnapshotSummary;
}

test('a snapshot says how each row was got, a PV that no IOC has included', async () => {
  const taken = await take('first light');
  expect(taken.quality.outcomes).toEqual({ ok: entries, notFound: 1 });
  const { stdout } = await drey.cli('snapshot', 'list');
  expect(stdout).toContain('first light');
  const shown = await drey.get<{ pvValues: { pvName: string; setpointValue: { value: unknown; outcome: string; enumLabel?: string }; readbackValue: { value: unknown } | null }[]; totalCount: number }>(`/v1/snapshots/${taken.id}`);
  expect(shown.totalCount).toBe(entries);
  const byName = new Map(shown.pvValues.map((row) => [row.pvName, row]));
  expect(byName.get('QUAD:LI21:1:BCTRL')).toMatchObject({ setpointValue: { value: 1, units: 'kG', precision: 3, outcome: 'ok' }, readbackValue: { value: 1.5 } });
  expect(byName.get('KLYS:LI21:1:MODE')?.setpointValue).toMatchObject({ value: 1, enumLabel: 'Standby' });
  expect(byName.get('SIOC:LI21:1:NOTE')?.setpointValue).toMatchObject({ value: 'shift start' });
  expect(byName.get('NO:SUCH:PV')?.setpointValue).toMatchObject({ value: null, outcome: 'notFound' });
});

test('ten PVs changed by another client: diff shows them, restore brings exactly those back, each with its outcome', async () => {
  const before = await take('before the change');
  const changed = Array.from({ length: 10 }, (_, n) => `QUAD:LI2${(n % 2) + 1}:${n}:BCTRL`);
  await put(Object.fromEntries(changed.map((name) => [name, 77])));
  const after = await take('after the change');

  const diff = await drey.cli('snapshot', 'diff', before.id, after.id, '--json');
  expect(diff.code).toBe(3);
  const differences = (JSON.parse(diff.stdout) as { differences: { pvName: string }[] }).differences.map((row) => row.pvName);
  expect(differences.sort()).toEqual([...changed].sort());

  const plan = await drey.post<RestorePlan>(`/v1/snapshots/${before.id}/restore/plan?verdict=write`, {});
  expect(plan.rows.map((row) => row.pvName).sort()).toEqual([...changed].sort());
  expect(plan.counts['write']).toBe(10);
  const stillChanged = await drey.cli('pv', 'get', changed[0]!, '--json');
  expect(JSON.parse(stillChanged.stdout)[changed[0]!].value).toBe(77);

  const restored = await drey.cli('snapshot', 'restore', before.id, '--yes', '--reason', 'test', '--json');
  const { rows, counts, job } = JSON.parse(restored.stdout) as { rows: RestoreRow[]; counts: Record<string, number>; job: { resultId: string } };
  expect(rows.filter((row) => row.outcome === 'verified').map((row) => row.pvName).sort()).toEqual([...changed].sort());
  expect(counts).toMatchObject({ verified: 10, unchanged: entries - 10 - 1 });
  // R4: every row has exactly one outcome.
  expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(entries);

  const again = await take('after the restore');
  const same = await drey.cli('snapshot', 'diff', before.id, again.id);
  expect(same).toMatchObject({ code: 0 });
  // R3: the values before the restore are there to be put back.
  const kept = await drey.get<{ pvValues: { pvName: string; setpointValue: { value: number } }[] }>(`/v1/snapshots/${job.resultId}?search=${changed[3]}`);
  expect(kept.pvValues[0]?.setpointValue.value).toBe(77);
  // A1
  const audit = await drey.get<{ results: { what: string; why: string; subject: string }[] }>('/v1/audit?limit=500');
  expect(audit.results.some((event) => event.why === 'test')).toBe(true);
});

test('R1: the command line lists every row that is written, before and after, and counts by reason what is left alone', async () => {
  const before = await take('for the listing');
  const changed = Array.from({ length: 10 }, (_, n) => `QUAD:LI22:${n}:BCTRL`);
  await put(Object.fromEntries(changed.map((name) => [name, 66])));
  const listed = (stdout: string, word: string): string[] => stdout.split('\n').filter((line) => /^\S+:\S+ +(\S+)/.exec(line)?.[1] === word).map((line) => line.split(' ')[0]!);

  const plan = await drey.cli('snapshot', 'restore', before.id, '--dry-run');
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringMatching(/plan: write 10, unchanged \d+, skipped 1\n {2}skipped 1: the snapshot holds no value for it\n$/) });
  expect(listed(plan.stdout, 'write')).toEqual(changed);
  expect(plan.stdout).not.toContain('NO:SUCH:PV');
  const few = await drey.cli('snapshot', 'restore', before.id, '--dry-run', '--limit', '3', '--offset', '1', '--all');
  expect(listed(few.stdout, 'write')).toEqual(changed.slice(1, 4));
  expect(few.stdout).toContain(`3 of ${entries} rows are listed, after the first 1; see --limit and --offset`);
  const skipped = await drey.cli('snapshot', 'restore', before.id, '--dry-run', '--verdict', 'skipped');
  expect([listed(skipped.stdout, 'skipped'), listed(skipped.stdout, 'write')]).toEqual([['NO:SUCH:PV'], []]);
  expect(await drey.cli('snapshot', 'restore', before.id, '--verdict', 'skipped')).toMatchObject({ code: 2, stderr: expect.stringContaining('--dry-run') });

  const restored = await drey.cli('snapshot', 'restore', before.id, '--yes');
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/restored: verified 10, unchanged \d+, skipped 1\n {2}skipped 1: the snapshot holds no value for it\nthe values before are kept/) });
  expect(listed(restored.stdout, 'verified')).toEqual(changed);
}, 60_000);

test('R1: an empty selection writes nothing, and an unknown PV is an error that names it', async () => {
  const before = await take('for an empty restore');
  await put({ 'QUAD:LI21:0:BCTRL': 55 });
  const { jobId } = await drey.post<{ jobId: string }>(`/v1/snapshots/${before.id}/restore`, { pvIds: [] });
  expect((await drey.finished(jobId)).status).toBe('completed');
  const { stdout } = await drey.cli('pv', 'get', 'QUAD:LI21:0:BCTRL', '--json');
  expect(JSON.parse(stdout)['QUAD:LI21:0:BCTRL'].value).toBe(55);
  const unknown = await drey.cli('snapshot', 'restore', before.id, '--yes', '--pv', 'NOT:IN:IT');
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toContain('NOT:IN:IT');
});

test('a catalogue entry added, edited and removed reaches the IOC actors without restart', async () => {
  const created = await drey.post<{ id: string }>('/v1/pvs', { readbackAddress: 'QUAD:LI21:1:BACT.EGU', device: 'QUAD:LI21:1' });
  const live = async (name: string): Promise<{ outcome?: string; value?: unknown } | undefined> => (await drey.post<Record<string, { outcome: string; value: unknown }>>('/v1/pvs/live', { pv_names: [name] }))[name];
  await eventually(async () => (await live('QUAD:LI21:1:BACT.EGU'))?.value === 'kG', { saying: 'the new channel to be read' });
  expect((await drey.call('PUT', `/v1/pvs/${created.id}`, { readbackAddress: 'QUAD:LI21:1:BACT.DESC' })).status).toBe(200);
  await eventually(async () => (await live('QUAD:LI21:1:BACT.DESC'))?.outcome === 'ok', { saying: 'the edited address to be read' });
  expect((await drey.call('DELETE', `/v1/pvs/${created.id}`)).status).toBe(200);
  await eventually(async () => (await live('QUAD:LI21:1:BACT.DESC'))?.outcome !== 'ok', { saying: 'the removed channel to be gone' });
});
