import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import { json } from '../bus/port.ts';
import { subjects } from '../contracts/subjects.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs', { setpointAddress: 'Q:1:SP' });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const request = { title: 'nightly {date}' };
const schedule = (name: string, more: object = {}): object => ({ name, cron: '0 6 * * *', timeZone: 'Europe/Zurich', request, ...more });
const trigger = (name: string, more: object = {}): object => ({ name, pvName: 'Q:1:SP', on: { kind: 'rising', value: 1 }, request, ...more });
const webhook = (name: string, more: object = {}): object => ({ name, url: 'http://127.0.0.1:9/hook', events: ['snapshot.taken'], secret: 'do not tell', ...more });

test('a schedule is made, shown with its next firing, edited in part, deleted, announced and audited', async () => {
  const heard: unknown[] = [];
  const listening = gateway.bus.subscribe(subjects.automationEvent, ({ body }) => heard.push(json.decode(body)));
  const made = await gateway.good('POST', '/v1/schedules', schedule('nightly', { retention: { keepLast: 3, keepTagged: ['users', 'users'] }, request: { ...request, labels: ['a'] } }));
  expect(made).toMatchObject({ name: 'nightly', enabled: true, retention: { keepLast: 3, keepTagged: ['users'] }, request: { labels: ['a'] }, lastFiringAt: null, nextFiringAt: expect.stringMatching(/T0[45]:00:00.000Z$/) });
  const edited = await gateway.good('PUT', `/v1/schedules/${made.id}`, { enabled: false });
  expect(edited).toMatchObject({ name: 'nightly', enabled: false, nextFiringAt: null, retention: { keepLast: 3, keepTagged: ['users'] }, cron: '0 6 * * *' });
  expect(await gateway.good('GET', '/v1/schedules')).toEqual([edited]);
  expect(await gateway.good('DELETE', `/v1/schedules/${made.id}`)).toBe(true);
  expect((await gateway.refused('GET', `/v1/schedules/${made.id}`)).status).toBe(404);
  await eventually(() => heard.length === 3, { saying: 'the announcements' });
  expect(heard[0]).toEqual({ kind: 'schedule', id: made.id });
  const { results } = await gateway.persistence.audit.list({ subject: made.id }, { limit: 10, offset: 0 });
  expect(results.map(({ what }) => what)).toEqual(['schedules.delete', 'schedules.edit', 'schedules.create']);
  expect(results[1]).toMatchObject({ before: { enabled: true }, after: { enabled: false } });
  await listening.stop();
});

test.each([
  [schedule('a', { cron: '61 * * * *' }), '61 * * * *'],
  [schedule('a', { cron: '* * * * * *' }), 'five fields'],
  [schedule('a', { cron: '0 0 31 2 *' }), 'never fires'],
  [schedule('a', { timeZone: 'Mars/Base' }), 'Mars/Base'],
  [schedule('a', { request: { title: 'by {user}' } }), '{user}'],
  [schedule('a', { retention: { keepTagged: ['x'] } }), 'keepLast or keepDaily'],
  [schedule('a', { crom: '* * * * *' }), 'crom'],
  [schedule('a', { request: { ...request, scope: { kind: 'names', pvNames: ['NO:SUCH'] } } }), 'NO:SUCH'],
])('D1: the schedule %j is refused, naming %s', async (body, named) => {
  const { status, body: error } = await gateway.refused('POST', '/v1/schedules', body);
  expect(status).toBeLessThan(500);
  expect(`${error.detail} ${error.faults?.join(' ') ?? ''}`).toContain(named);
  expect(await gateway.good('GET', '/v1/schedules')).toEqual([]);
});

test('D1: everything that is wrong with a schedule or trigger is told at once, in our words', async () => {
  const wrong = { name: '', cron: '61 9 * * FUNDAY', timeZone: 'Mars/Base', enabled: 'yes', request: { title: 'by {user}', deadlineMs: 1, scope: { kind: 'names', pvNames: ['NO:SUCH'] } }, retention: {}, colour: 1 };
  const { status, body } = await gateway.refused('POST', '/v1/schedules', wrong);
  expect([status, body.code]).toEqual([422, 'invalid']);
  expect(body.faults).toEqual([
    'name: it is empty, at least 1 character is needed',
    'enabled: "yes" is not true or false',
    'request.deadlineMs: 1 is too small: at least 50',
    'retention: say keepLast or keepDaily, or no retention at all: nothing else would be kept',
    'colour is not a known field',
    expect.stringMatching(/^cron: "61 9 \* \* FUNDAY" is no cron expression: the minute "61" will not do: it is 0 to 59, .*; the day of week "FUNDAY" will not do: it is 0 to 7/),
    expect.stringContaining('"Mars/Base" is no time zone'),
    expect.stringContaining('{user}'),
    expect.stringContaining('"NO:SUCH"'),
  ]);
  const edited = await gateway.good('POST', '/v1/schedules', schedule('to edit'));
  expect((await gateway.refused('PUT', `/v1/schedules/${edited.id}`, { cron: 'daily', timeZone: 'Here' })).body.faults).toEqual([expect.stringContaining('cron: "daily" has one field, five fields are needed'), expect.stringContaining('Here')]);
  await gateway.good('DELETE', `/v1/schedules/${edited.id}`);
  expect((await gateway.refused('POST', '/v1/triggers', { ...trigger('t'), pvName: 'NO:SUCH', on: { kind: 'falling' }, holdoffMs: -1 })).body.faults).toEqual([
    'on.kind: "falling" is none of rising, change or deadband', 'holdoffMs: -1 is too small: at least 0', expect.stringContaining('"NO:SUCH"'),
  ]);
  expect((await gateway.refused('POST', '/v1/webhooks', { ...webhook('w'), url: 'ftp://u:p@x/', secret: 'short', events: [] })).body.faults).toEqual([
    expect.stringContaining('http'), 'events: 0 are given, at least 1 is needed', 'secret: it is too short: at least 8 characters', expect.stringContaining('password'),
  ]);
  expect((await gateway.refused('POST', '/v1/schedules?dryRun=true', schedule('x'))).body.faults).toEqual(['dryRun is not a known field']);
});

test('a schedule or trigger is run by hand, also when it is off: its snapshot, its title, its name, and who', async () => {
  const made = await gateway.good('POST', '/v1/schedules', schedule('by hand', { enabled: false, request: { title: 'on {date} at {pv:NO:SUCH}', labels: ['x'] } }));
  const { jobId } = await gateway.good('POST', `/v1/schedules/${made.id}/run`);
  expect(await gateway.good('GET', `/v1/jobs/${jobId}`)).toMatchObject({
    type: 'snapshot_create', requestedBy: 'test admin',
    jobData: { title: expect.stringMatching(/^on \d{4}-\d\d-\d\d at \?$/), origin: { rule: `schedule:${made.id}`, name: 'by hand', note: 'run by hand by test admin' } },
  });
  expect(await gateway.good('GET', '/v1/audit?what=schedules.run')).toMatchObject({ results: [{ subject: made.id, result: `accepted as job ${jobId}` }] });
  expect((await gateway.refused('POST', '/v1/triggers/00000000-0000-4000-8000-000000000000/run')).status).toBe(404);
  expect((await gateway.refused('POST', `/v1/schedules/${made.id}/run`, undefined, { key: await gateway.keyWith('read') })).status).toBe(403);
  await gateway.good('DELETE', `/v1/schedules/${made.id}`);
});

test('a name is taken once per kind, whatever its case', async () => {
  const { id } = await gateway.good('POST', '/v1/schedules', schedule('Shift'));
  expect(await gateway.refused('POST', '/v1/schedules', schedule('shift'))).toMatchObject({ status: 409, body: { detail: expect.stringContaining('"shift"') } });
  expect((await gateway.call('PUT', `/v1/schedules/${id}`, { name: 'SHIFT' })).status).toBe(200);
  const { id: other } = await gateway.good('POST', '/v1/triggers', trigger('shift'));
  await gateway.good('DELETE', `/v1/schedules/${id}`);
  await gateway.good('DELETE', `/v1/triggers/${other}`);
});

test('a trigger is made on a PV of the catalogue alone, edited and deleted', async () => {
  expect(await gateway.refused('POST', '/v1/triggers', trigger('t', { pvName: 'NO:SUCH' }))).toMatchObject({ status: 404, body: { detail: expect.stringContaining('NO:SUCH') } });
  expect((await gateway.refused('POST', '/v1/triggers', trigger('t', { on: { kind: 'deadband', value: 0 } }))).status).toBe(422);
  const made = await gateway.good('POST', '/v1/triggers', trigger('t'));
  expect(made).toMatchObject({ pvName: 'Q:1:SP', on: { kind: 'rising', value: 1 }, holdoffMs: 1_000, enabled: true });
  expect(made).not.toHaveProperty('channel');
  expect(await gateway.good('PUT', `/v1/triggers/${made.id}`, { on: { kind: 'change' }, holdoffMs: 0 })).toMatchObject({ on: { kind: 'change' }, holdoffMs: 0 });
  await gateway.good('DELETE', `/v1/triggers/${made.id}`);
});

test('a webhook never shows its secret, keeps it through an edit, and is for administrators', async () => {
  const made = await gateway.good('POST', '/v1/webhooks', webhook('chat'));
  expect(made).toMatchObject({ hasSecret: true, lastDelivery: null });
  await gateway.good('PUT', `/v1/webhooks/${made.id}`, { events: ['job.failed'] });
  expect((await gateway.persistence.rules.get('webhook', made.id)).definition).toMatchObject({ secret: 'do not tell', events: ['job.failed'] });
  const { results } = await gateway.persistence.audit.list({ subject: made.id }, { limit: 10, offset: 0 });
  expect(JSON.stringify([made, await gateway.good('GET', '/v1/webhooks'), results])).not.toContain('do not tell');
  const key = await gateway.keyWith('read', 'write', 'snapshot', 'restore');
  expect((await gateway.refused('GET', '/v1/webhooks', undefined, { key })).status).toBe(403);
  expect((await gateway.refused('POST', '/v1/webhooks', webhook('mine'), { key })).status).toBe(403);
  for (const [url, named] of [['ftp://x/y', 'http'], ['file:///etc/passwd', 'http'], ['nothing', 'http'], ['http://user:pass@x/', 'password']] as const) {
    expect(await gateway.refused('POST', '/v1/webhooks', webhook('bad', { url }))).toMatchObject({ status: 422, body: { detail: expect.stringContaining(named) } });
  }
});

test('schedules and triggers need the scope snapshot, and write or admin to make golden snapshots', async () => {
  const read = await gateway.keyWith('read');
  expect((await gateway.refused('POST', '/v1/schedules', schedule('x'), { key: read })).status).toBe(403);
  expect((await gateway.refused('POST', '/v1/triggers', trigger('x'), { key: read })).status).toBe(403);
  const snapshot = await gateway.keyWith('read', 'snapshot');
  const refused = await gateway.refused('POST', '/v1/schedules', schedule('x', { request: { ...request, golden: true } }), { key: snapshot });
  expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining('golden') } });
  expect((await gateway.call('POST', '/v1/schedules', schedule('x'), { key: snapshot })).status).toBe(200);
});
