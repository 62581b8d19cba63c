/** Bad input and faults around a running system: a clear error, and nothing lost. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ErrorBody } from '../../src/contracts/errors.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, freePort, manyRecords, startDrey, startSoftIoc, temporaryFolder, type Drey } from '../harness/index.ts';
import { BROUGHT, PROJECT } from '../harness/run-folder.ts';

const channels = 50;
let ioc: Awaited<ReturnType<typeof startSoftIoc>>;
let drey: Drey;

beforeAll(async () => {
  ioc = await startSoftIoc({ records: manyRecords(channels, (n) => ({ type: 'ao', name: `F:${n}`, fields: { VAL: n } })) });
  drey = await startDrey({ addressList: `127.0.0.1:${ioc.port}` });
  await drey.post('/v1/pvs/multi', Array.from({ length: channels }, (_, n) => ({ setpointAddress: `F:${n}` })));
  await drey.connected(channels);
}, 120_000);

afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await ioc?.stop();
});

const take = (title: string): Promise<SnapshotSummary> => drey.post('/v1/snapshots?async=false', { title });

/** Pids of the embedded servers, children of the running system. */
function childPid(of: RegExp): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === drey.process.pid && of.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return Number(pid);
    } catch {
      // Ended while we looked.
    }
  }
  throw new Error(`the system has no child ${String(of)}`);
}

test.each([
  ['POST', '/v1/snapshots', '{"title": ', 400, /JSON/],
  ['POST', '/v1/snapshots', '{"title": ""}', 422, /title/],
  ['POST', '/v1/snapshots', '{"title": "x", "scope": {"kind": "names", "pvNames": ["NO:SUCH"]}}', 404, /NO:SUCH/],
  ['POST', '/v1/snapshots', '{"title": "x", "deadlineMs": 5}', 422, /deadlineMs/],
  ['GET', '/v1/snapshots/not-an-id', undefined, 404, /not-an-id/],
  ['GET', '/v1/jobs/not-an-id', undefined, 404, /not-an-id/],
  ['POST', '/v1/pvs', '{"device": "no address"}', 422, /at least one/],
  ['POST', '/v1/pvs', '{"setpointAddress": "pva://X"}', 422, /PVAccess/],
  ['POST', '/v1/pvs', '{"setpointAddress": "F:1"}', 409, /F:1/],
] as const)('D1: %s %s with %s is %d, and says why', async (method, path, body, status, says) => {
  const response = await drey.call(method, path, body);
  const answer = (await response.json()) as ErrorBody;
  expect(`${answer.detail} ${(answer.faults ?? []).join(' ')}`).toMatch(says);
  // 400 and 422 both say "your input": which of them is the reader's, not the writer's, is a matter of taste.
  expect(status === 422 ? [400, 422] : [status]).toContain(response.status);
});

test('D1: a CSV with faults registers nothing and names each line', async () => {
  const file = join(drey.dataFolder, 'bad.csv');
  writeFileSync(file, 'Setpoint,Abs Tolerance\nNEW:1,0.1\nNEW:2,small\nNEW 3,0\n');
  const { code, stderr } = await drey.cli('pv', 'import', file);
  expect(code).toBe(2);
  expect(stderr).toContain('line 3');
  expect(stderr).toContain('line 4');
  expect((await drey.get<{ totalCount: number }>('/v1/pvs/paged?pvName=NEW')).totalCount).toBe(0);
});

test('a key that is missing, wrong or too weak is told from each other', async () => {
  expect((await fetch(`${drey.url}/v1/snapshots`)).status).toBe(401);
  expect((await fetch(`${drey.url}/v1/snapshots`, { headers: { 'x-api-key': 'nonsense' } })).status).toBe(401);
  const { token } = await drey.post<{ token: string }>('/v1/api-keys', { appName: 'reader', readAccess: true });
  const weak = await fetch(`${drey.url}/v1/snapshots`, { method: 'POST', headers: { 'x-api-key': token, 'content-type': 'application/json' }, body: '{"title":"x"}' });
  expect(weak.status).toBe(403);
  expect(((await weak.json()) as ErrorBody).detail).toContain('snapshot');
});

test('Postgres killed: it comes back by itself, and what was stored is there', async () => {
  const kept = await take('before Postgres dies');
  process.kill(childPid(/postgres/), 'SIGKILL');
  await eventually(async () => (await drey.call('GET', `/v1/snapshots/${kept.id}?limit=0`)).status === 200, { saying: 'the snapshot to be readable again', withinMs: 20_000, everyMs: 100 });
  expect((await take('after Postgres died')).quality.outcomes).toEqual({ ok: channels });
}, 60_000);

test('NATS killed: it comes back by itself, jobs are still listed, and new ones run', async () => {
  await take('before NATS dies');
  const jobsBefore = (await drey.get<unknown[]>('/v1/jobs')).length;
  process.kill(childPid(/nats-server/), 'SIGKILL');
  await eventually(async () => (await drey.call('POST', '/v1/snapshots?async=false', { title: 'after NATS died' })).status === 200, { saying: 'a snapshot to be taken again', withinMs: 30_000, everyMs: 500 });
  expect((await drey.get<unknown[]>('/v1/jobs')).length).toBeGreaterThan(jobsBefore);
}, 60_000);

async function tryStart(environment: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(PROJECT, 'src/main.ts'), 'up', '--no-demo'], { env: { ...process.env, DREY_BRING: BROUGHT, EPICS_CA_AUTO_ADDR_LIST: 'NO', ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (data) => (said += String(data)));
  child.stderr.on('data', (data) => (said += String(data)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('a second instance on the same data folder is refused, and the first one goes on', async () => {
  const { code, said } = await tryStart({ DREY_DATA: drey.dataFolder, DREY_PORT: String(await freePort()) });
  expect(code).not.toBe(0);
  expect(said).toContain(drey.dataFolder);
  expect(said).toContain(String(drey.process.pid));
  expect((await take('still here')).quality.outcomes).toEqual({ ok: channels });
});

test('a port that is taken is named, before anything is started', async () => {
  using folder = temporaryFolder('port');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { code, said } = await tryStart({ DREY_DATA: folder.path, DREY_PORT: String(port) });
  other.close();
  expect(code).not.toBe(0);
  expect(said).toContain(`port ${port}`);
});

test('a data folder that cannot be written is named', async () => {
  using folder = temporaryFolder('unwritable');
  // A file in the way stops root as well as everybody else.
  writeFileSync(join(folder.path, 'file'), '');
  const { code, said } = await tryStart({ DREY_DATA: join(folder.path, 'file', 'data'), DREY_PORT: String(await freePort()) });
  expect(code).not.toBe(0);
  expect(said).toContain(join(folder.path, 'file', 'data'));
});

test.skipIf(process.platform !== 'linux')('a data folder where nobody can make one is named', async () => {
  const { code, said } = await tryStart({ DREY_DATA: '/proc/drey/data', DREY_PORT: String(await freePort()) });
  expect(code).not.toBe(0);
  expect(said).toContain('/proc/drey/data');
  expect(said).toContain('no folder can be made in /proc');
});

test('a configuration with several faults reports all of them', async () => {
  const { code, said } = await tryStart({ DREY_PORT: 'eighty', DREY_BREAKER_RATE: '7', DREY_NONSENSE: '1', EPICS_CA_CONN_TMO: 'soon' });
  expect(code).not.toBe(0);
  for (const name of ['DREY_PORT', 'DREY_BREAKER_RATE', 'DREY_NONSENSE', 'EPICS_CA_CONN_TMO']) expect(said).toContain(name);
});
