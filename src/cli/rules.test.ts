import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, startFakeIocHost, startGateway, storeSnapshot, type CommandAnswer, type FakeIocHost, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import { temporaryFolder } from '../../testing/harness/run-folder.ts';
import type { Job } from '../contracts/jobs.ts';

let gateway: GatewayForTest;
let host: FakeIocHost;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs/multi', [{ setpointAddress: 'Q:1', tagNames: { Area: ['L1'] } }, { setpointAddress: 'Q:2' }]);
  host = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});
const drey = (...args: string[]): Promise<CommandAnswer> => runCommand(gateway, ...args);

test('a schedule is added, listed, run by hand, switched off and removed from the command line', async () => {
  expect(await drey('schedule', 'add', 'nightly', '--cron', '0 6 * * *', '--title', 'night {date}', '--tag', 'Area=L1', '--label', 'a', 'b', '--keep-last', '3', '--time-zone', 'Europe/Zurich')).toMatchObject({ code: 0, stdout: expect.stringContaining('"nightly" made: 0 6 * * * Europe/Zurich, next ') });
  const [made] = await gateway.good('GET', '/v1/schedules');
  expect(made).toMatchObject({ enabled: true, retention: { keepLast: 3 }, request: { title: 'night {date}', labels: ['a', 'b'], mode: 'live', scope: { kind: 'tags' } } });
  expect((await drey('rule', 'list')).stdout).toMatch(/schedule\s+nightly\s+on\s+0 6 \* \* \*.*, next \S+ \S+ \S+ +Area=L1 +last 3 /);
  expect((await drey('schedule', 'show', 'nightly')).stdout).toMatch(/takes "night {date}" of Area=L1, live, labels a, b\nkeeps last 3\nlast never\nmade /);
  expect(JSON.parse((await drey('schedule', 'show', made.id.slice(-6), '--json')).stdout)).toMatchObject({ id: made.id });

  const running = drey('schedule', 'run', 'NIGHTLY');
  const job = await eventually(async () => (await gateway.good<Job[]>('GET', '/v1/jobs?status=pending'))[0], { saying: 'the job of the run', withinMs: 20_000 });
  const snapshot = await storeSnapshot(gateway.persistence, 'night', { 'Q:1': { num: 1 } });
  await gateway.changeJob(job.id, (record) => ({ ...record, job: { ...record.job, status: 'completed', message: 'stored', resultId: snapshot.id } }));
  expect(await running).toMatchObject({ code: 0, stdout: `schedule "nightly": stored; snapshot ${snapshot.id}\n` });

  expect(await drey('schedule', 'off', 'nightly')).toMatchObject({ code: 0, stdout: expect.stringContaining('is off') });
  expect(await gateway.good('GET', `/v1/schedules/${made.id}`)).toMatchObject({ enabled: false });
  expect(await drey('schedule', 'remove', 'nightly')).toMatchObject({ code: 0 });
  expect(await gateway.good('GET', '/v1/schedules')).toEqual([]);
  expect(await drey('schedule', 'show', 'nightly')).toMatchObject({ code: 2, stderr: expect.stringContaining('no schedule fits "nightly"') });
}, 60_000);

test('triggers and webhooks are added; what is wrong is told in full', async () => {
  expect(await drey('trigger', 'add', 'dump', '--pv', 'Q:1', '--rising', '1', '--title', 'dump at {time}', '--monitored', '--holdoff', '5000', '--off')).toMatchObject({ code: 0 });
  expect(await gateway.good('GET', '/v1/triggers')).toMatchObject([{ name: 'dump', pvName: 'Q:1', on: { kind: 'rising', value: 1 }, holdoffMs: 5_000, enabled: false, request: { mode: 'monitored' } }]);
  expect(await drey('trigger', 'add', 'two', '--pv', 'Q:1', '--rising', '1', '--change', '--title', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('say one of --rising, --change, --deadband, not 2') });
  expect(await drey('trigger', 'add', 'bad', '--pv', 'NO:SUCH', '--change', '--title', '{who}')).toMatchObject({ code: 2, stderr: expect.stringMatching(/NO:SUCH[^]*\{who\}/) });
  using folder = temporaryFolder('secret');
  const secretFile = join(folder.path, 'secret');
  writeFileSync(secretFile, 'do not tell\n');
  expect(await drey('webhook', 'add', 'chat', '--to', 'https://chat.example/1', '--event', 'job.failed', 'snapshot.taken', '--secret-file', secretFile)).toMatchObject({ code: 0 });
  const listed = await drey('webhook', 'list', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'chat', hasSecret: true, events: ['job.failed', 'snapshot.taken'] }]);
  expect(listed.stdout).not.toContain('do not tell');
}, 60_000);

test('a job is shown by a part of its id that fits no other', async () => {
  const { jobId } = await gateway.good('POST', '/v1/snapshots', { title: 'to show' });
  expect(JSON.parse((await drey('job', 'show', jobId.slice(0, 8))).stdout)).toMatchObject({ id: jobId });
  expect(await drey('job', 'cancel', jobId.slice(-8))).toMatchObject({ code: 0, stdout: expect.stringContaining('cancelled') });
  expect(await drey('job', 'show', 'ffff')).toMatchObject({ code: 2, stderr: expect.stringContaining('no job fits "ffff"') });
}, 60_000);

test('an IOC is shown with its channels, those that are not connected first, each with the reason, in pages', async () => {
  const since = new Date().toISOString();
  host.channels = [
    { name: 'A:OK', state: 'connected', since }, { name: 'B:GONE', state: 'disconnected', since }, { name: 'C:SECRET', state: 'denied', since }, { name: 'D:OK', state: 'connected', since },
  ];
  const { stdout } = await drey('ioc', 'show', '127.0.0.1:5064', '--limit', '3');
  expect(stdout).toMatch(/B:GONE +disconnected .* the IOC has closed this channel\nC:SECRET +denied .* the IOC grants no read access *\nA:OK +connected .*\n4 channels in all; see --limit and --offset/);
  const denied = (await drey('ioc', 'show', '127.0.0.1:5064', '--state', 'denied')).stdout;
  expect([denied.includes('C:SECRET'), denied.includes('B:GONE')]).toEqual([true, false]);
}, 60_000);

test('every group of commands shows examples where there is something to get wrong', async () => {
  for (const command of [['schedule', 'add'], ['trigger', 'add'], ['webhook', 'add'], ['snapshot', 'take'], ['snapshot', 'diff'], ['snapshot', 'restore'], ['job', 'show'], ['ioc', 'show'], ['ioc', 'open']]) {
    expect(await drey(...command, '--help'), command.join(' ')).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`Examples?:\n  drey ${command.join(' ')} `)) });
  }
}, 60_000);
