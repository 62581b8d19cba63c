import { afterAll, beforeAll, expect, it } from 'vitest';
import { Access, ChannelState } from '../src/channel-access/columns.ts';
import { readCaEnvironment } from '../src/channel-access/environment.ts';
import { WriteOutcome, type ChannelAccess } from '../src/channel-access/port.ts';
import { createWireClient } from '../src/channel-access/wire/index.ts';
import { emptyValueColumns, ReadOutcome, severityNames, type ValueColumns } from '../src/contracts/values.ts';
import { eventually, temporaryFolder } from '../testing/harness/index.ts';
import { softIocProgram } from '../testing/harness/run-folder.ts';
import { demoCatalogue } from './catalogue.ts';
import { facility, planned } from './facility.ts';
import { startDemo, type Demo } from './start.ts';

const folder = temporaryFolder('demo-living');
const addresses = demoCatalogue().flatMap((entry) => [entry.setpointAddress, entry.readbackAddress, entry.configAddress].filter((address) => typeof address === 'string'));
const names = [...new Set([...facility().flatMap((ioc) => ioc.records.map(({ name }) => name)), ...addresses])];
const absent = new Set(planned().flatMap((entry) => [entry.setpointAddress, entry.readbackAddress]));
const iocOf = new Map(facility().flatMap((ioc, index) => ioc.records.map(({ name }) => [name, index] as const)));
let demo: Demo;
let access: ChannelAccess;
let rows: Map<string, number>;

beforeAll(async () => {
  const { command } = await softIocProgram();
  demo = await startDemo({ runSoftIoc: command, folder: folder.path });
  const read = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: demo.addressList });
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  access = createWireClient({ environment: read.environment, threads: 1, capacity: 4_096, echoIdleMs: 5_000, echoTimeoutMs: 2_000 });
  access.listen(() => {});
  const opened = access.open(names, { monitor: true });
  rows = new Map(names.map((name, index) => [name, opened[index]!]));
  const expected = names.filter((name) => !absent.has(name));
  await eventually(() => expected.every((name) => access.columns.state[row(name)] === ChannelState.connected && access.columns.updates[row(name)]! > 0), { saying: `${expected.length} channels with a first update`, withinMs: 30_000 });
}, 60_000);

afterAll(async () => {
  await access?.stop();
  await demo?.stop();
  folder[Symbol.dispose]();
});

function row(name: string): number {
  const found = rows.get(name);
  if (found === undefined) throw new Error(`${name} was not opened`);
  return found;
}

function ioc(name: string): string {
  return `127.0.0.1:${demo.iocs[iocOf.get(name.replace(/\.VAL\$$/, ''))!]!.port}`;
}

async function get(name: string): Promise<ValueColumns> {
  const values = await access.read(ioc(name), Int32Array.of(row(name)), 2_000);
  expect(values.outcome[0], name).toBe(ReadOutcome.ok);
  return values;
}

async function put(name: string, value: number, deadlineMs = 5_000): Promise<number> {
  const values = emptyValueColumns(1);
  values.outcome[0] = ReadOutcome.ok;
  values.kind[0] = access.columns.kind[row(name)]!;
  values.num[0] = value;
  const { outcome } = await access.write(ioc(name), Int32Array.of(row(name)), values, { deadlineMs, window: 8 });
  return outcome[0]!;
}

const now = (name: string): number => access.columns.num[row(name)]!;

it('serves every record and every registered address but those of the sector that is not built', () => {
  for (const name of names) expect(access.columns.state[row(name)] === ChannelState.connected, name).toBe(!absent.has(name));
});

it('lets a readback follow its setpoint, with its status saying so meanwhile', async () => {
  const magnet = 'QUAD:LI22:301';
  const target = now(`${magnet}:BCTRL`) + 2;
  expect(await put(`${magnet}:BCTRL`, target)).toBe(WriteOutcome.done);
  await eventually(() => now(`${magnet}:STATUS`) === 1 && access.columns.severity[row(`${magnet}:STATUS`)] === 1, { saying: 'Trimming, MINOR' });
  await eventually(() => Math.abs(now(`${magnet}:BACT`) - target) < 0.016, { saying: 'the readback within tolerance', withinMs: 15_000 });
  await eventually(() => now(`${magnet}:STATUS`) === 0, { saying: 'Good again', withinMs: 15_000 });
});

it('completes a put to a motor when it has arrived', async () => {
  const motor = 'WIRE:LI21:285:STAGE';
  const target = now(motor) < 30 ? now(motor) + 20 : now(motor) - 20;
  const started = performance.now();
  expect(await put(motor, target)).toBe(WriteOutcome.done);
  expect(performance.now() - started).toBeGreaterThan(700);
  expect((await get(`${motor}:POS`)).num[0]).toBeCloseTo(target, 6);
});

it('gives no right to write what is READONLY, whatever the catalogue says', async () => {
  const name = 'MCON:LI21:1:ENERGY';
  expect(access.columns.access[row(name)]! & Access.write).toBe(0);
  expect(await put(name, 1)).toBe(WriteOutcome.noWriteAccess);
});

it('takes the right to write the bends away while they are locked', async () => {
  const bend = row('BEND:LI21:231:BCTRL');
  const lock = 'MPS:SYS0:1:BENDLOCK';
  expect(access.columns.access[bend]! & Access.write).toBe(Access.write);
  expect(await put(lock, 1)).toBe(WriteOutcome.done);
  await eventually(() => (access.columns.access[bend]! & Access.write) === 0, { saying: 'the right to be gone' });
  expect(await put(lock, 0)).toBe(WriteOutcome.done);
  await eventually(() => (access.columns.access[bend]! & Access.write) !== 0, { saying: 'the right to be back' });
});

it('carries long text, a NaN, a record never processed, and arrays with more than zeros in them', async () => {
  expect((await get('SIOC:SYS0:AL01:PLANRB.VAL$')).text.get(0)).toMatch(/^Night shift: .{100,} microampere\.$/);
  const toroid = await get('TORO:LI24:215:TMIT');
  expect([toroid.num[0], severityNames[toroid.severity[0]!]]).toEqual([Number.NaN, 'INVALID']);
  expect(severityNames[(await get('TORO:LI24:215:CALFACTOR')).severity[0]!]).toBe('INVALID');
  const table = await get('FBCK:LI21:TBL1:DES');
  expect(new Float64Array(table.bytes.get(0)!.slice().buffer)[16]).toBeCloseTo(1, 5);
});

it('has gauges that are in alarm now and others that are not', async () => {
  const gauges = names.filter((name) => /^VGCC:.*:P$/.test(name) && !absent.has(name));
  await eventually(() => {
    const severities = new Set(gauges.map((name) => access.columns.severity[row(name)]));
    return severities.has(0) && severities.size > 1;
  }, { saying: 'a gauge in alarm', withinMs: 20_000 });
});
