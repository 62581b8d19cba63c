import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SimulatedClock } from 'xstate';
import { expect, test } from 'vitest';
import { fakeFacility, type FakeFacility } from '../../../testing/fakes/facility.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { watchHosts } from '../../bus/hosts.ts';
import { submitJob } from '../../bus/jobs.ts';
import { json, type Bus, type WorkMessage } from '../../bus/port.ts';
import { newSchedule, newTrigger, newWebhook, type Delivery, type Firing, type WatchedTrigger, type WebhookMessage } from '../../contracts/automation.ts';
import type { Job } from '../../contracts/jobs.ts';
import { takeSnapshot, type SnapshotSummary } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import { silentLog } from '../../kernel/log.ts';
import { deliver, mostAttempts, signatureOf } from './deliveries.ts';
import { startAutomation, type Automation } from './index.ts';
import type { Rules } from './rules.ts';

const began = Date.parse('2030-01-01T12:00:00Z');
const day = 86_400_000;

/** A coordinator's automation whose clock the test turns. */
async function automation(facility: FakeFacility, at = began): Promise<{ clock: SimulatedClock; automation: Automation } & AsyncDisposable> {
  const clock = new SimulatedClock();
  clock.set(at);
  const hosts = await watchHosts(facility.bus);
  const started = await startAutomation({ bus: facility.bus, persistence: facility.persistence, hosts, clock, log: silentLog });
  return { clock, automation: started, [Symbol.asyncDispose]: async () => void (await Promise.all([started.stop(), hosts.stop()])) };
}
const announce = (facility: FakeFacility): void => facility.bus.publish(subjects.automationEvent, json.encode({}));

const addSchedule = (facility: FakeFacility, input: object = {}) => {
  const definition = newSchedule.parse({ name: 'nightly', cron: '0 6 * * *', request: { title: 'night {date}' }, ...input });
  return facility.persistence.rules.create('schedule', { name: definition.name, definition, createdBy: 'alice', at: new Date(began) });
};
const fired = (facility: FakeFacility): Job[] => facility.jobs.list().filter(({ requestedBy }) => /^(schedule|trigger) "/.test(requestedBy)).reverse();
const noteOf = async (facility: FakeFacility): Promise<Record<string, unknown>> => (await facility.persistence.rules.list('schedule'))[0]!.state;

test('J1: three coordinators fire a schedule, and each firing becomes one job', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await addSchedule(facility);
  await using one = await automation(facility);
  await using two = await automation(facility);
  await using three = await automation(facility);
  for (let n = 1; n <= 3; n++) {
    const at = Date.parse('2030-01-01T06:00:00Z') + n * day;
    for (const { clock } of [one, two, three]) clock.set(at);
    await eventually(async () => (await noteOf(facility))['lastFiringAt'] === new Date(at).toISOString(), { saying: `firing ${n}` });
  }
  // Those who came second have looked by now: what they did is answered before this is.
  await Promise.all([one, two, three].map((each) => each.automation.stop()));
  await eventually(() => fired(facility).length >= 3, { saying: 'the jobs' });
  expect(fired(facility).map(({ jobData }) => jobData['title'])).toEqual(['night 2030-01-02', 'night 2030-01-03', 'night 2030-01-04']);
  const audit = await facility.persistence.audit.list({ what: 'schedules.fire' }, { limit: 10, offset: 0 });
  expect(audit.totalCount).toBe(3);
});

test('a schedule fires by the clocks of its time zone', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  // It is 13:00 in Zurich when the clock begins, and 14:30 there is 13:30 UTC.
  await addSchedule(facility, { cron: '30 14 * * *', timeZone: 'Europe/Zurich', request: { title: '{date} {time}' } });
  await using rig = await automation(facility);
  rig.clock.set(Date.parse('2030-01-01T13:29:59Z'));
  expect(fired(facility)).toEqual([]);
  rig.clock.set(Date.parse('2030-01-01T13:30:00Z'));
  await eventually(() => fired(facility).length === 1, { saying: 'the firing' });
  expect(fired(facility)[0]!.jobData).toMatchObject({ title: '2030-01-01 14:30:00', origin: { firedFor: '2030-01-01T13:30:00.000Z', note: '' } });
});

test('after an outage of all coordinators the latest firing alone is made up, and that is said', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await addSchedule(facility);
  await using _late = await automation(facility, Date.parse('2030-01-05T08:00:00Z'));
  await eventually(() => fired(facility).length === 1, { saying: 'the firing that is made up' });
  expect(fired(facility)[0]!.jobData).toMatchObject({ title: 'night 2030-01-05', origin: { firedFor: '2030-01-05T06:00:00.000Z', note: expect.stringMatching(/^made up at 2030-01-05T08:00:00.*3 earlier firings were missed/) } });
  await eventually(async () => String((await noteOf(facility))['lastNote']).includes('3 earlier'), { saying: 'the note' });
});

test('a schedule that is disabled, or was made after the firing, does not fire', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await addSchedule(facility, { name: 'off', enabled: false });
  await addSchedule(facility, { name: 'later', cron: '0 11 * * *' });
  await addSchedule(facility, { name: 'minutely', cron: '* * * * *' });
  await using _now = await automation(facility, began + 60_000);
  await eventually(() => fired(facility).length > 0, { saying: 'the one that is to fire' });
  expect(fired(facility).map(({ requestedBy }) => requestedBy)).toEqual(['schedule "minutely"']);
});

test('retention after a scheduled snapshot lets go of its own old ones, never of golden, labelled or foreign ones, and audits it', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await facility.host('h1');
  const rule = await addSchedule(facility, { retention: { keepLast: 1, keepTagged: ['users'] } });
  await facility.coordinator();
  const foreign = await facility.jobs.finished((await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'by hand' }) }, 'bob')).id, 10_000);
  await using rig = await automation(facility);
  const list = async (): Promise<SnapshotSummary[]> => (await facility.persistence.snapshots.list({ origin: `schedule:${rule.id}` }, { limit: 10, offset: 0 })).results;
  for (let n = 1; n <= 4; n++) {
    rig.clock.set(Date.parse('2030-01-01T06:00:00Z') + n * day);
    const newest = await eventually(async () => (await list()).find(({ title }) => title === `night 2030-01-0${n + 1}`), { saying: `snapshot ${n}` });
    if (n === 1) await facility.persistence.snapshots.edit(newest.id, { golden: true });
    if (n === 2) await facility.persistence.snapshots.edit(newest.id, { labels: ['users'] });
  }
  await eventually(async () => (await list()).length === 3, { saying: 'retention' });
  expect((await list()).map(({ title }) => title)).toEqual(['night 2030-01-05', 'night 2030-01-03', 'night 2030-01-02']);
  expect((await facility.persistence.snapshots.get(foreign.resultId!)).title).toBe('by hand');
  const audit = await eventually(async () => {
    const { results } = await facility.persistence.audit.list({ what: 'snapshots.delete' }, { limit: 10, offset: 0 });
    return results.length > 0 && results;
  }, { saying: 'the audit record' });
  expect(audit).toMatchObject([{ who: 'schedule "nightly"', why: 'retention: it keeps the last 1, those labelled users', before: { title: 'night 2030-01-04' } }]);
});

const addTrigger = (facility: FakeFacility) => {
  const definition = newTrigger.parse({ name: 'dump', pvName: 'SET:1', on: { kind: 'rising', value: 1 }, request: { title: 'dump {date} {time}: {pv:SET:0}, {pv:NO:SUCH}' } });
  return facility.persistence.rules.create('trigger', { name: 'dump', definition: { ...definition, channel: facility.ids.get('SET:1') }, createdBy: 'alice', at: new Date(began) });
};

test('a firing that is stored twice becomes one job whatever coordinator takes it, with values in its title', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  const host = await facility.host('h1');
  host.channels.get(facility.ids.get('SET:0')!)!.value = 12.5;
  const { id } = await addTrigger(facility);
  await using _one = await automation(facility);
  await using _two = await automation(facility);
  const { triggers } = json.decode<{ triggers: WatchedTrigger[] }>(await facility.bus.request(subjects.automationTriggers, json.encode({}), 2_000));
  expect(triggers).toEqual([{ id, channel: facility.ids.get('SET:1'), on: { kind: 'rising', value: 1 }, holdoffMs: 1_000 }]);
  const timeNs = String(BigInt(began) * 1_000_000n + 7n);
  const firing: Firing = { trigger: id, timeNs, value: 3 };
  const store = (dedupe: string) => facility.bus.store(subjects.firing(id), json.encode(firing), { id: dedupe });
  await store('a');
  await store('a');
  // Past the window in which the stream knows duplicates, the job's id still does.
  await store('b');
  const job = await eventually(() => fired(facility)[0], { saying: 'the job' });
  expect(job).toMatchObject({ requestedBy: 'trigger "dump"', jobData: { title: 'dump 2030-01-01 12:00:00: 12.5, ?', origin: { rule: `trigger:${id}`, note: 'SET:1 was 3' } } });
  await facility.bus.store(subjects.firing(id), json.encode({ ...firing, value: 4, timeNs: String(BigInt(timeNs) + 1n) }), { id: 'c' });
  await eventually(() => fired(facility).some(({ jobData }) => (jobData['origin'] as { note: string }).note === 'SET:1 was 4'), { saying: 'the job of the next firing' });
  expect(fired(facility)).toHaveLength(2);
});

test('what fires while no coordinator lives becomes a job when one comes', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  const { id } = await addTrigger(facility);
  const gone = await automation(facility);
  await gone[Symbol.asyncDispose]();
  const firing: Firing = { trigger: id, timeNs: String(BigInt(began) * 1_000_000n), value: 3 };
  await facility.bus.store(subjects.firing(id), json.encode(firing), { id: 'alone' });
  expect(fired(facility)).toEqual([]);
  await using _next = await automation(facility);
  await eventually(() => fired(facility).length === 1, { saying: 'the job', withinMs: 10_000 });
});

interface Received { readonly headers: Record<string, string | string[] | undefined>; readonly body: string }

async function receiver(answer: (n: number) => number): Promise<{ url: string; received: Received[] } & AsyncDisposable> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += String(data)));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(answer(received.length)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
const addWebhook = (facility: FakeFacility, url: string, events: string[]) => {
  const definition = newWebhook.parse({ name: `to ${events.join()}`, url, events, secret: 'a secret of ours' });
  return facility.persistence.rules.create('webhook', { name: definition.name, definition, createdBy: 'alice', at: new Date(Date.now() - 1_000) });
};
const deliveryOf = async (facility: FakeFacility, id: string): Promise<Delivery | undefined> => (await facility.persistence.rules.get('webhook', id)).state['lastDelivery'] as Delivery | undefined;

test('a webhook is told of a snapshot once by two coordinators, signed, and again until it has answered well', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await facility.host('h1');
  await using hook = await receiver((n) => (n === 1 ? 503 : 200));
  const { id } = await addWebhook(facility, hook.url, ['snapshot.taken']);
  await facility.coordinator('c1');
  await facility.coordinator('c2');
  const job = await facility.jobs.finished((await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'told' }) }, 'alice')).id, 10_000);
  const delivered = await eventually(async () => ((await deliveryOf(facility, id))?.outcome === 'delivered' ? deliveryOf(facility, id) : undefined), { saying: 'the delivery', withinMs: 10_000 });
  expect(delivered).toMatchObject({ event: 'snapshot.taken', attempts: 2, status: 200, reason: null });
  expect(hook.received).toHaveLength(2);
  const [first, second] = hook.received as [Received, Received];
  const message = JSON.parse(second.body) as WebhookMessage;
  expect(message).toMatchObject({ id: delivered.id, event: 'snapshot.taken', at: job.completedAt, data: { job: { id: job.id }, snapshot: { title: 'told', id: job.resultId } } });
  expect(second.headers).toMatchObject({ 'x-drey-event': 'snapshot.taken', 'x-drey-delivery': delivered.id, 'x-drey-signature': signatureOf('a secret of ours', second.body), 'content-type': 'application/json' });
  expect(first.headers['x-drey-delivery']).toBe(delivered.id);
});

test('a job that failed is told; one that ended while no coordinator lived is told at the next start; others are not', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await facility.host('h1');
  await using hook = await receiver(() => 200);
  const { id } = await addWebhook(facility, hook.url, ['job.failed']);
  const bad = await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'bad', scope: { kind: 'names', pvNames: ['NO:SUCH'] } }) }, 'alice');
  const good = await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'good' }) }, 'alice');
  const coordinator = await facility.coordinator('c1');
  await facility.jobs.finished(good.id, 10_000);
  await facility.jobs.finished(bad.id, 10_000);
  await coordinator.stop();
  await facility.coordinator('c2');
  await eventually(async () => (await deliveryOf(facility, id))?.outcome === 'delivered', { saying: 'the delivery', withinMs: 10_000 });
  expect(new Set(hook.received.map(({ body }) => (JSON.parse(body) as { data: { job: Job } }).data.job.id))).toEqual(new Set([bad.id]));
});

test('a webhook that never answers well is given up at the twelfth attempt, with its status and reason', async () => {
  await using hook = await receiver(() => 302);
  const definition = newWebhook.parse({ name: 'gone', url: hook.url, events: ['job.failed'] });
  const states: unknown[] = [];
  const rule = { id: 'w', kind: 'webhook' as const, name: 'gone', definition, state: {}, createdBy: '', createdDate: '', lastModifiedDate: '' };
  let take: ((item: WorkMessage) => Promise<void>) | undefined;
  const bus = { work: async (_stream: string, _consumer: unknown, handler: typeof take) => { take = handler; return { stop: async () => {} }; } } as unknown as Bus;
  await deliver({ bus, rules: { webhooks: () => [rule] } as unknown as Rules, store: { note: async (_id, state) => void states.push(state['lastDelivery']) }, clock: new SimulatedClock(), log: silentLog });
  const item = (delivery: number): WorkMessage => ({ subject: subjects.delivery('w'), body: json.encode({ id: 'd', event: 'job.failed', at: '', data: {} } satisfies WebhookMessage), delivery, working: () => {} });
  await expect(take!(item(mostAttempts - 1))).rejects.toThrow('answered 302');
  // Given back no more.
  await take!(item(mostAttempts));
  expect(states).toMatchObject([{ outcome: 'retrying', attempts: 11, status: 302 }, { outcome: 'failed', attempts: 12, reason: expect.stringContaining('it has moved') }]);
  await hook[Symbol.asyncDispose]();
  await take!(item(mostAttempts));
  expect(states.at(-1)).toMatchObject({ outcome: 'failed', status: null, reason: expect.stringMatching(/closed|ECONN/) });
});

test('a breaker that changes is told, channels that come and go are not', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await using hook = await receiver(() => 200);
  await addWebhook(facility, hook.url, ['ioc.state']);
  await facility.coordinator('c1');
  const view = (state: string, since: number, connected: number): void =>
    facility.bus.publish(subjects.iocEvent('h1'), json.encode({ name: 'ioc0:5064', state, circuit: 'up', since: new Date(since).toISOString(), channels: { connected } }));
  view('closed', began, 1);
  view('closed', began, 2);
  view('open', began + 1_000, 2);
  view('open', began + 1_000, 0);
  const received = await eventually(() => hook.received[0], { saying: 'the post', withinMs: 10_000 });
  expect(JSON.parse(received.body)).toMatchObject({ event: 'ioc.state', data: { ioc: { name: 'ioc0:5064', state: 'open' } } });
  view('closed', began + 2_000, 2);
  await eventually(() => hook.received.length === 2, { saying: 'the next post', withinMs: 10_000 });
});

test('a rule that is edited is taken up at once', async () => {
  await using facility = await fakeFacility({ setpoints: 2, iocs: 1 });
  await using rig = await automation(facility);
  await addSchedule(facility, { cron: '* * * * *' });
  announce(facility);
  await facility.bus.flush();
  rig.clock.set(began + 60_000);
  // Whether the news or the clock comes first, it fires without waiting for the next reading.
  await eventually(() => fired(facility).length === 1, { saying: 'the firing' });
});
