/** Snapshots that nobody asks for by hand, on a real soft IOC: a trigger, a schedule's rules over HTTP, a webhook at their end. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TriggerView, WebhookView } from '../../src/contracts/automation.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, recordsDb, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

let ioc: Awaited<ReturnType<typeof startSoftIoc>>;
let drey: Drey;
const heard: { event: string; data: { snapshot?: SnapshotSummary } }[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (data) => (body += String(data)));
  request.on('end', () => {
    heard.push(JSON.parse(body) as (typeof heard)[number]);
    response.end();
  });
});

beforeAll(async () => {
  ioc = await startSoftIoc({
    records: recordsDb([
      { type: 'ao', name: 'BEAM:DUMP', fields: { VAL: 0 } },
      { type: 'stringout', name: 'BEAM:MODE', fields: { VAL: 'users' } },
      { type: 'ao', name: 'BEAM:CURRENT', fields: { VAL: 12.5 } },
    ]),
  });
  drey = await startDrey({ addressList: `127.0.0.1:${ioc.port}` });
  for (const setpointAddress of ['BEAM:DUMP', 'BEAM:MODE', 'BEAM:CURRENT']) await drey.post('/v1/pvs', { setpointAddress });
  await drey.connected(3);
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
}, 120_000);

afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await ioc?.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

async function put(name: string, ...values: (number | string)[]): Promise<void> {
  await using ca = await startCaClient(`127.0.0.1:${ioc.port}`);
  for (const value of values) await ca.put(new Map([[name, value]]));
}
/** The host is told of a trigger over the bus: until then what fires finds nobody, and is done again. */
async function firstOf({ id }: TriggerView, act: () => Promise<void>, after = 0): Promise<SnapshotSummary> {
  for (let attempt = 1; ; attempt++) {
    await act();
    try {
      return await eventually(async () => (await of(`trigger:${id}`))[after], { saying: 'the snapshot of a trigger', withinMs: 8_000 });
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}
const of = async (rule: string): Promise<SnapshotSummary[]> => drey.get(`/v1/snapshots?origin=${rule}&order=asc`);

test('an edge of a PV takes one snapshot with its values in the title, and a webhook is told', async () => {
  const hook = await drey.post<WebhookView>('/v1/webhooks', { name: 'chat', url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, events: ['snapshot.taken'] });
  const trigger = await drey.post<TriggerView>('/v1/triggers', {
    name: 'dump', pvName: 'BEAM:DUMP', on: { kind: 'rising', value: 1 }, holdoffMs: 0,
    request: { title: 'dump of {pv:BEAM:CURRENT} mA for {pv:BEAM:MODE}, {pv:NO:SUCH}', labels: ['dump'] },
  });
  const first = await firstOf(trigger, () => put('BEAM:DUMP', 0, 1));
  expect(first).toMatchObject({ title: 'dump of 12.5 mA for users, ?', createdBy: 'trigger "dump"', labels: ['dump'], pvCount: 3 });
  const before = (await of(`trigger:${trigger.id}`)).length;

  // Staying above is no edge, another value above is none either.
  await put('BEAM:DUMP', 2);
  await put('BEAM:DUMP', 0);
  // So that the snapshot of the next edge can be told from others: those would have come before it.
  await put('BEAM:CURRENT', 99);
  await put('BEAM:DUMP', 5);
  await eventually(async () => (await of(`trigger:${trigger.id}`)).some(({ title }) => title.startsWith('dump of 99 mA')), { saying: 'the next snapshot', withinMs: 10_000 });
  await eventually(async () => {
    const { lastDelivery } = await drey.get<WebhookView>(`/v1/webhooks/${hook.id}`);
    return lastDelivery?.outcome === 'delivered' && heard.length > before;
  }, { saying: 'the webhook to be told', withinMs: 10_000 });
  const taken = await of(`trigger:${trigger.id}`);
  expect(taken.length).toBe(before + 1);
  expect(new Set(heard.map(({ data }) => data.snapshot?.id))).toEqual(new Set(taken.map(({ id }) => id)));
  const shown = await drey.get<TriggerView>(`/v1/triggers/${trigger.id}`);
  expect(shown.lastJobId).not.toBeNull();
}, 60_000);

test('a text that changes fires, and so it does after a crash of everything', async () => {
  const trigger = await drey.post<TriggerView>('/v1/triggers', { name: 'mode', pvName: 'BEAM:MODE', on: { kind: 'change' }, holdoffMs: 0, request: { title: 'mode {pv:BEAM:MODE}', scope: { kind: 'names', pvNames: ['BEAM:CURRENT'] } } });
  let n = 0;
  const change = (): Promise<void> => put('BEAM:MODE', `mode${++n}`);
  await firstOf(trigger, change);
  await drey.kill9();
  await drey.restart();
  await drey.connected(3);
  await firstOf(trigger, change, (await of(`trigger:${trigger.id}`)).length);
  expect((await of(`trigger:${trigger.id}`)).every(({ title, pvCount }) => title.startsWith('mode mode') && pvCount === 1)).toBe(true);
}, 90_000);

test('labels and golden are set and filtered by on the command line', async () => {
  expect((await drey.cli('snapshot', 'take', 'reference', '--label', 'users', '10 Hz', '--golden')).code).toBe(0);
  expect((await drey.cli('snapshot', 'list', '--golden')).stdout).toMatch(/GOLDEN, users, 10 Hz\s.*reference/);
  expect((await drey.cli('snapshot', 'list', '--label', 'nowhere')).stdout).toBe('no snapshots\n');
  const { code, stderr } = await drey.cli('snapshot', 'delete', 'reference', '--yes');
  expect(code).not.toBe(0);
  expect(stderr).toContain('golden');
}, 30_000);
