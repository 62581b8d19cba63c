// Live values as a client of the whole system sees them: real soft IOCs, real bus, real WebSocket.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectLive } from '../gateway/live-client.ts';
import { eventually, recordsDb, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

let ioc: Awaited<ReturnType<typeof startSoftIoc>>;
let other: Awaited<ReturnType<typeof startSoftIoc>>;
let drey: Drey;

const records = recordsDb([
  { type: 'ao', name: 'L:AO', fields: { VAL: 1.5, EGU: 'mm', PREC: 2, HIHI: 10, HHSV: 'MAJOR', PINI: 'YES' } },
  { type: 'mbbo', name: 'L:MODE', fields: { ZRST: 'Off', ONST: 'On', ZRVL: 0, ONVL: 1, VAL: 1, PINI: 'YES' } },
  { type: 'stringout', name: 'L:NOTE', fields: { VAL: 'hello', PINI: 'YES' } },
  { type: 'waveform', name: 'L:WAVE', fields: { FTVL: 'DOUBLE', NELM: 3, INP: '[1,2,3]', PINI: 'YES' } },
  { type: 'calc', name: 'L:TICK', fields: { SCAN: '.1 second', INPA: 'L:TICK', CALC: 'A+1' } },
]);

beforeAll(async () => {
  [ioc, other] = await Promise.all([startSoftIoc({ records }), startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'O:AO', fields: { VAL: 7, PINI: 'YES' } }]) })]);
  drey = await startDrey({ addressList: `${ioc.address} ${other.address}`, environment: { DREY_CA_ECHO_IDLE_MS: '500', DREY_CA_ECHO_TIMEOUT_MS: '300' } });
  await drey.post('/v1/pvs/multi', ['L:AO', 'L:MODE', 'L:NOTE', 'L:WAVE', 'L:TICK', 'O:AO', 'NO:SUCH:PV'].map((setpointAddress) => ({ setpointAddress })));
  await drey.connected(6);
}, 120_000);
afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await Promise.all([ioc?.stop(), other?.stop()]);
});

const put = async (name: string, value: number): Promise<void> => {
  await using client = await startCaClient(ioc.address);
  await client.put(new Map([[name, value]]));
};

test('S1, S3: everything is there at once, and what changes on an IOC comes as a diff, alarms and arrays included', async () => {
  await using client = await connectLive(drey.url, { key: drey.key });
  client.say({ type: 'subscribe', all: true, arrays: 'json' });
  expect((await client.next('initial')).count).toBe(7);
  const data = await eventually(() => client.values['L:WAVE'].value?.length === 3 && client.values['L:NOTE'].value !== null && client.values, { saying: 'the first update of all' });
  expect(data['L:AO']).toMatchObject({ value: 1.5, connected: true, severity: 0, units: 'mm', precision: 2 });
  expect(data['L:MODE']).toMatchObject({ value: 1, enumLabel: 'On' });
  expect(data['L:NOTE'].value).toBe('hello');
  expect(data['L:WAVE'].value).toEqual([1, 2, 3]);
  expect(data['NO:SUCH:PV']).toMatchObject({ value: null, connected: false, outcome: 'notFound' });
  await client.next('diff', (message) => message.data['L:TICK']);
  await put('L:AO', 12);
  const alarm = await client.next('diff', (message) => message.data['L:AO']?.value === 12);
  expect(alarm.data['L:AO']).toMatchObject({ severity: 2, status: 3 });
  expect(Math.abs(Date.now() / 1000 - alarm.data['L:AO'].timestamp)).toBeLessThan(60);
  // The value stands, the alarm ends.
  await put('L:AO.HIHI', 20);
  expect((await client.next('diff', (message) => message.data['L:AO']?.severity === 0)).data['L:AO']).toMatchObject({ value: 12, severity: 0, status: 0 });
});

test('I1, S1: values of a hung IOC are none any more, those of the others go on, and all are back with it', async () => {
  await using client = await connectLive(drey.url, { key: drey.key });
  client.say({ type: 'subscribe', pvNames: ['O:AO', 'L:TICK'], windowMs: 50 });
  await client.next('initial', (message) => message.data['O:AO'].value === 7);
  other.kill('SIGSTOP');
  const hung = await client.next('diff', (message) => message.data['O:AO']?.connected === false);
  expect(hung.data['O:AO']).toMatchObject({ value: null, outcome: 'timeout' });
  await client.next('diff', (message) => message.data['L:TICK']);
  other.kill('SIGCONT');
  await client.next('diff', (message) => message.data['O:AO']?.value === 7);
});

test('after Drey was killed and started again a client that comes back gets a fresh picture', async () => {
  const before = await connectLive(drey.url, { key: drey.key });
  before.say({ type: 'subscribe', pvNames: ['L:AO'] });
  const { session } = await before.next('ack');
  const { sequence } = await before.next('initial');
  await drey.kill9();
  await before.closed;
  await drey.restart();
  await drey.connected(6);
  await using after = await connectLive(drey.url, { key: drey.key });
  after.say({ type: 'subscribe', pvNames: ['L:AO'], resume: { session, sequence } });
  expect(await after.next('ack')).toMatchObject({ resumed: false });
  expect((await after.next('initial')).data['L:AO'].value).toBe(12);
}, 60_000);
