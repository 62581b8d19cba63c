// nats.conf against the table of subjects: each row is tried on a real server by those who may and by
// those who may not, so that a new subject without a permission, or a permission too many, fails here.
import { join } from 'node:path';
import { PermissionViolationError, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectNats, ensureTopology } from '../../src/bus/nats/index.ts';
import { buckets, streams, subjectTable, subjects } from '../../src/contracts/subjects.ts';
import { createLog } from '../../src/kernel/log.ts';
import { startServerProcess, type ServerProcess } from '../../src/embedded/index.ts';
import { eventually, freePort, temporaryFolder } from '../harness/index.ts';
import { natsServerProgram, PROJECT } from '../harness/run-folder.ts';

const ROLES = ['gateway', 'coordinator', 'ioc-host'] as const;
const USERS = [...ROLES, 'facility'] as const;
type User = (typeof USERS)[number];
const password = (user: User): string => `secret-${user}`;

const log = createLog({ level: 'error', pretty: false });
const folder = temporaryFolder('nats-conf');
let server: ServerProcess;
let servers: string;

beforeAll(async () => {
  const port = await freePort();
  servers = `127.0.0.1:${port}`;
  const { command } = await natsServerProgram();
  server = await startServerProcess({
    name: 'nats-server',
    command: [...command, '-c', join(PROJECT, 'nats.conf'), '-a', '127.0.0.1', '-p', String(port), '--store_dir', folder.path],
    environment: {
      ...process.env,
      DREY_NATS_GATEWAY_PASSWORD: password('gateway'),
      DREY_NATS_COORDINATOR_PASSWORD: password('coordinator'),
      DREY_NATS_IOC_HOST_PASSWORD: password('ioc-host'),
      DREY_NATS_FACILITY_PASSWORD: password('facility'),
    },
    stopSignal: 'SIGTERM',
    stopWithinMs: 5000,
  });
  await eventually(async () => {
    if (!server.running) throw new Error(`nats-server ended: ${server.lastLines().join('\n')}`);
    return (await as('gateway').catch(() => undefined))?.close().then(() => true);
  }, { saying: 'nats-server to accept clients', withinMs: 10_000, everyMs: 50 });
});

afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

test('nobody gets in with a wrong password or none', async () => {
  await expect(connect({ servers, user: 'gateway', pass: 'wrong', reconnect: false })).rejects.toThrow(/authorization/i);
  await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i);
});

test('a message may have 8 MB', async () => {
  const client = await as('gateway');
  expect(client.info?.max_payload).toBe(8 * 1024 * 1024);
  await client.close();
});

test.each(ROLES)('role %s makes sure of streams and buckets, and may not delete one', async (role) => {
  const bus = await connectNats({ servers, user: role, password: password(role), name: role, log });
  await ensureTopology(bus);
  await bus.close();
  const client = await as(role);
  expect(await refusedOf(client, (refused) => refused.publish(`$JS.API.STREAM.DELETE.${streams.work}`))).toEqual([`$JS.API.STREAM.DELETE.${streams.work}`]);
  await client.close();
});

describe.each(USERS)('%s', (user) => {
  test('publishes what the table of subjects says, and nothing else of it', async () => {
    const client = await as(user);
    const rows = subjectTable.map(({ subject, from }) => ({ subject: sample(subject), may: named(from).includes(user) }));
    const refused = await refusedOf(client, ({ publish }) => rows.forEach(({ subject }) => publish(subject)));
    expect(refused.sort()).toEqual(rows.filter(({ may }) => !may).map(({ subject }) => subject).sort());
    await client.close();
  });

  test('hears what the table of subjects says, and nothing else of it', async () => {
    const client = await as(user);
    // Work and logs are handed out by JetStream's consumers, not heard on their subjects.
    const rows = subjectTable.filter(({ kind }) => kind !== 'work' && kind !== 'log').map(({ subject, to }) => ({ subject: sample(subject), may: named(to).includes(user) }));
    const refused = await refusedOf(client, ({ subscribe }) => rows.forEach(({ subject }) => subscribe(subject)));
    expect(refused.sort()).toEqual(rows.filter(({ may }) => !may).map(({ subject }) => subject).sort());
    await client.close();
  });
});

test('a facility service asks a gateway, finds it by discovery, and hears events, across the accounts', async () => {
  const gateway = await connectNats({ servers, user: 'gateway', password: password('gateway'), name: 'gateway', log });
  await gateway.serve({ name: 'drey', version: '1.0.0', description: 'tested' }, { 'iocs.list': async () => new TextEncoder().encode('answer') });
  const facility = await as('facility');
  const heard: string[] = [];
  facility.subscribe('drey.v1.event.>', { callback: (_, message) => { heard.push(message.subject); } });
  await facility.flush();
  expect((await facility.request(`${subjects.api}.iocs.list`, '', { timeout: 2000 })).string()).toBe('answer');
  expect((await facility.request('$SRV.PING', '', { timeout: 2000 })).json<{ name: string }>().name).toBe('drey');
  gateway.publish(subjects.catalogueEvent, new TextEncoder().encode('{}'));
  await eventually(() => heard.length > 0, { saying: 'the event to cross over' });
  expect(heard).toEqual([subjects.catalogueEvent]);
  await gateway.close();
  await facility.close();
});

test('a facility service hears no inbox of Drey and cannot make a stream', async () => {
  const [facility, coordinator, host] = await Promise.all([as('facility'), as('coordinator'), as('ioc-host')]);
  const heard: string[] = [];
  facility.subscribe('_INBOX.>', { callback: (_, message) => { heard.push(message.subject); } });
  let arrived = 0;
  coordinator.subscribe('_INBOX.columns', { callback: () => { arrived++; } });
  await Promise.all([facility.flush(), coordinator.flush()]);
  host.publish('_INBOX.columns', 'values');
  await eventually(() => arrived === 1, { saying: 'the columns to reach the coordinator' });
  await facility.flush();
  expect(heard).toEqual([]);
  expect(await refusedOf(facility, ({ publish }) => publish('$JS.API.STREAM.CREATE.MINE'))).toEqual(['$JS.API.STREAM.CREATE.MINE']);
  await Promise.all([facility.close(), coordinator.close(), host.close()]);
});

test('the roles do through JetStream what their work needs', async () => {
  const [gateway, coordinator, host] = await Promise.all(ROLES.map((role) => connectNats({ servers, user: role, password: password(role), name: role, log })));
  if (!gateway || !coordinator || !host) throw new Error('three roles');
  const body = new TextEncoder().encode('body');

  const jobs = await gateway.keyValue(buckets.jobs);
  const revision = await jobs.create('job1', body);
  const seenByCoordinator: string[] = [];
  const watching = await (await coordinator.keyValue(buckets.jobs)).watch({ entry: (key) => { seenByCoordinator.push(key); }, ready: () => {} });
  await eventually(() => seenByCoordinator.includes('job1'), { saying: 'the coordinator to see the job' });
  await (await coordinator.keyValue(buckets.jobs)).update('job1', body, revision);
  expect((await jobs.get('job1'))?.revision).toBeGreaterThan(revision);
  await watching.stop();

  await (await host.keyValue(buckets.hosts)).put('host1', body);
  expect(await (await coordinator.keyValue(buckets.hosts)).keys()).toEqual(['host1']);
  expect(await (await gateway.keyValue(buckets.hosts)).keys()).toEqual(['host1']);

  const done: number[] = [];
  const taking = await host.work(streams.work, { name: 'host1', filter: subjects.workOf('host1'), ackWaitMs: 5000, concurrency: 1 }, async ({ delivery }) => {
    await host.store(subjects.restoreLog('job1', 1), body);
    done.push(delivery);
  });
  await coordinator.store(subjects.work('host1', 'write'), body);
  await eventually(() => done.length === 1, { saying: 'the host to take the work' });
  expect((await coordinator.readLog(streams.restoreLog, subjects.restoreLog('job1', '*'))).map(({ subject }) => subject)).toEqual([subjects.restoreLog('job1', 1)]);
  await taking.stop();

  const fired: string[] = [];
  const counting = await coordinator.work(streams.firings, { name: 'coordinators', filter: subjects.firing('trigger1'), ackWaitMs: 5000, concurrency: 1 }, async ({ subject }) => {
    await coordinator.store(subjects.delivery('webhook1'), body, { id: subject });
    fired.push(subject);
  });
  const told: string[] = [];
  const telling = await coordinator.work(streams.deliveries, { name: 'coordinators', filter: subjects.delivery('webhook1'), ackWaitMs: 5000, concurrency: 1 }, async ({ subject }) => void told.push(subject));
  await host.store(subjects.firing('trigger1'), body, { id: 'trigger1' });
  await eventually(() => told.length === 1, { saying: 'the firing to be taken and its webhook to be told' });
  expect([fired, told]).toEqual([[subjects.firing('trigger1')], [subjects.delivery('webhook1')]]);
  await Promise.all([counting.stop(), telling.stop()]);
  await Promise.all([gateway.close(), coordinator.close(), host.close()]);
});

function as(user: User): Promise<NatsConnection> {
  return connect({ servers, user, pass: password(user), reconnect: false });
}

interface Attempts { publish(subject: string): void; subscribe(subject: string): void }

/** Refused to everybody: when its refusal has arrived, so have those before it. */
const LAST = 'nobody.may.publish.this';

/** The subjects that the server refused. */
async function refusedOf(client: NatsConnection, attempt: (attempts: Attempts) => void): Promise<string[]> {
  const refused: string[] = [];
  void (async () => {
    for await (const status of client.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError && status.error.operation === 'publish') refused.push(status.error.subject);
    }
  })();
  attempt({
    publish: (subject) => client.publish(subject),
    subscribe: (subject) => void client.subscribe(subject, { callback: (fault) => { if (fault instanceof PermissionViolationError) refused.push(subject); } }),
  });
  client.publish(LAST);
  await eventually(() => refused.includes(LAST), { saying: 'all refusals to arrive' });
  return refused.filter((subject) => subject !== LAST);
}

function sample(subject: string): string {
  return subject.replace(/<[^>]+>/g, 'x');
}

/** The users that a cell of the table names: "gateway, coordinator", "every ioc-host", "facility services", "everybody". */
function named(cell: string): string[] {
  if (cell === 'everybody') return [...USERS];
  return cell.split(',').map((part) => part.trim().replace(/^(every|one|the) /, '')).map((part) => part === 'facility services' ? 'facility' : part);
}
