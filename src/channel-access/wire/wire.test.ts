import { describe, expect, it } from 'vitest';
import { emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../contracts/values.ts';
import { eventually } from '../../../testing/harness/eventually.ts';
import { recordsDb, startSoftIoc, manyRecords } from '../../../testing/harness/soft-ioc.ts';
import { loopbackEnvironment, watchedClient } from '../../../testing/wire/index.ts';
import { ChannelState } from '../columns.ts';
import { type ChannelAccess, WriteOutcome } from '../port.ts';
import type { SoftIoc } from '../../embedded/index.ts';

const numbers = (values: readonly number[]): ValueColumns => {
  const columns = emptyValueColumns(values.length);
  values.forEach((value, i) => {
    columns.kind[i] = ValueKind.double;
    columns.num[i] = value;
  });
  return columns;
};

/** A stopped process goes on for a moment: some of its threads may be in the middle of an answer. */
async function hang(ioc: SoftIoc, access: ChannelAccess): Promise<void> {
  ioc.kill('SIGSTOP');
  await eventually(async () => !(await access.alive(ioc.address, 50)), { saying: 'the IOC to hang' });
}

describe('the wire client on a real IOC', () => {
  it('keeps monitored numbers, text and arrays current', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([
      { type: 'ao', name: 'N', fields: { VAL: 1, PINI: 'YES' } },
      { type: 'stringout', name: 'T', fields: { VAL: 'one', PINI: 'YES' } },
      { type: 'waveform', name: 'W', fields: { FTVL: 'LONG', NELM: 4, INP: '[1,2]', PINI: 'YES' } },
    ]) });
    await using client = watchedClient(() => ioc.address);
    const { access } = client;
    const rows = access.open(['N', 'T', 'W'], { monitor: true });
    await client.until('first updates', () => rows.every((_, i) => access.monitored(rows).outcome[i] === ReadOutcome.ok));

    const next = numbers([2.5, 0, 0]);
    next.kind[1] = ValueKind.text;
    next.text.set(1, 'zwei');
    next.kind[2] = ValueKind.int32;
    next.bytes.set(2, new Uint8Array(Int32Array.of(7, 8, 9).buffer));
    expect([...(await access.write(ioc.address, rows, next, { deadlineMs: 2000, window: 8 })).outcome]).toEqual([1, 1, 1]);
    await client.until('the new values', () => access.monitored(rows).num[0] === 2.5 && access.monitored(rows).text.get(1) === 'zwei' && access.monitored(rows).bytes.get(2)?.length === 12);
    const seen = access.monitored(rows);
    const read = await access.read(ioc.address, rows, 2000);
    expect({ ...seen, channel: 0 }).toEqual({ ...read, channel: 0 });
    expect([...read.channel]).toEqual([...rows]);
  });

  it('connects names where they were last, searching few of them, and finds one that has moved', async () => {
    await using old = await startSoftIoc({ records: manyRecords(300, (n) => ({ type: 'ao', name: `N${n}`, fields: { VAL: n, PINI: 'YES' } })) });
    await using other = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'MOVED', fields: { VAL: 5, PINI: 'YES' } }]) });
    await using client = watchedClient((name) => (name === 'MOVED' ? other.address : old.address));
    const { access } = client;
    const names = [...Array.from({ length: 300 }, (_, n) => `N${n}`), 'MOVED'];
    const rows = access.open(names, { monitor: true, last: names.map(() => old.address) });
    await client.until('all first updates', () => access.monitored(rows).outcome.every((outcome) => outcome === ReadOutcome.ok));
    expect([...access.monitored(rows).num]).toEqual([...Array.from({ length: 300 }, (_, n) => n), 5]);
    expect(client.asked).toHaveLength(5);
    expect(client.asked).toContain('MOVED');
  });

  it('after a true `alive`, text that was written before is among the monitored values', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'stringout', name: 'T' }]) });
    await using client = watchedClient(() => ioc.address);
    const rows = client.access.open(['T'], { monitor: true });
    await client.until('the first update', () => client.access.monitored(rows).outcome[0] === ReadOutcome.ok);
    for (let round = 0; round < 10; round++) {
      const next = numbers([0]);
      next.kind[0] = ValueKind.text;
      next.text.set(0, `round ${round}`);
      await client.access.write(ioc.address, rows, next, { deadlineMs: 2000, window: 1 });
      // The completion and the event come on different circuits; the IOC's own queue is behind neither for long.
      await eventually(async () => await client.access.alive(ioc.address, 1000) && client.access.monitored(rows).text.get(0) === `round ${round}`, { saying: `round ${round}` });
    }
  });

  it('gives no pulse while nothing changes, and one for many changes', async () => {
    await using ioc = await startSoftIoc({ records: manyRecords(50, (n) => ({ type: 'ao', name: `N${n}`, fields: { PINI: 'YES' } })) });
    await using client = watchedClient(() => ioc.address);
    const { access } = client;
    const rows = access.open(Array.from({ length: 50 }, (_, n) => `N${n}`), { monitor: true });
    await client.until('first updates', () => rows.every((row) => access.columns.updates[row]! > 0));
    await client.event('pulse');
    client.forget();
    await access.write(ioc.address, rows, numbers([...rows].map((row) => row + 1)), { deadlineMs: 2000, window: 128 });
    const { updates } = await client.event('pulse');
    expect(updates).toBeGreaterThan(5);
    await client.until('all new values', () => rows.every((row) => access.columns.num[row] === row + 1));
  });

  it('I1: a hung IOC costs its reads one deadline, is announced, and is back with its late answers dropped', async () => {
    const records = manyRecords(200, (n) => ({ type: 'ao', name: `N${n}`, fields: { VAL: n, PINI: 'YES' } }));
    await using hung = await startSoftIoc({ records });
    await using well = await startSoftIoc({ records: records.replaceAll('"N', '"W') });
    await using client = watchedClient((name) => (name.startsWith('N') ? hung.address : well.address));
    const { access } = client;
    const rows = access.open(Array.from({ length: 200 }, (_, n) => `N${n}`));
    const others = access.open(Array.from({ length: 200 }, (_, n) => `W${n}`));
    await client.until('all connected', () => [...rows, ...others].every((row) => access.columns.state[row] === ChannelState.connected));

    await hang(hung, access);
    const from = performance.now();
    const late = Array.from({ length: 6 }, () => access.read(hung.address, rows, 400));
    const good = await access.read(well.address, others, 400);
    expect(good.outcome.every((outcome) => outcome === ReadOutcome.ok)).toBe(true);
    for (const { outcome } of await Promise.all(late)) expect(outcome.every((one) => one === ReadOutcome.timeout)).toBe(true);
    expect(performance.now() - from).toBeLessThan(900);
    expect(await access.alive(hung.address, 100)).toBe(false);
    await client.event('circuit.unresponsive', ({ ioc }) => ioc === hung.address);
    expect([...rows].every((row) => access.columns.state[row] === ChannelState.connected)).toBe(true);

    hung.kill('SIGCONT');
    await client.event('circuit.responsive');
    const again = await access.read(hung.address, rows, 2000);
    expect([...again.num]).toEqual([...rows].map((_, i) => i));
    expect(access.statistics().lateReplies).toBeGreaterThan(0);
    expect(access.statistics().hostileCircuits).toBe(0);
  });

  it('announces a killed IOC at once, answers what was asked of it, and finds its channels on another port', async () => {
    const records = recordsDb([{ type: 'ao', name: 'N', fields: { VAL: 3, PINI: 'YES' } }]);
    await using first = await startSoftIoc({ records });
    await using client = watchedClient(() => first.address);
    const { access } = client;
    const rows = access.open(['N', 'NONE'], { monitor: true });
    await client.event('channels.connected');
    client.found(() => undefined);
    await hang(first, access);
    const read = access.read(first.address, rows, 5000);
    first.kill('SIGKILL');
    expect([...(await read).outcome]).toEqual([ReadOutcome.disconnected, ReadOutcome.notFound]);
    const { reason } = await client.event('channels.disconnected');
    expect(reason).not.toBe('');
    expect([...access.monitored(rows).outcome]).toEqual([ReadOutcome.disconnected, ReadOutcome.notFound]);

    await using second = await startSoftIoc({ records });
    client.forget();
    client.found((name) => (name === 'N' ? second.address : undefined));
    expect(await client.event('channels.found')).toMatchObject({ ioc: second.address, rows: Int32Array.of(rows[0]!) });
    await client.until('an update from the new place', () => access.monitored(rows).num[0] === 3);
  });

  it('I1: a thread that dies is announced and replaced, and its channels connect again', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'N', fields: { VAL: 3, PINI: 'YES' } }]) });
    await using client = watchedClient(() => ioc.address);
    const { access } = client;
    const rows = access.open(['N'], { monitor: true });
    await client.until('an update', () => access.monitored(rows).outcome[0] === ReadOutcome.ok);
    client.forget();
    const crash = access.crashThread(ioc.address);
    const read = access.read(ioc.address, rows, 5000);
    await crash;
    expect([...(await read).outcome]).toEqual([ReadOutcome.disconnected]);
    await client.event('thread.exited');
    await client.event('channels.disconnected');
    await client.event('channels.connected');
    await client.until('an update', () => access.monitored(rows).outcome[0] === ReadOutcome.ok);
  });

  it('asks for no array above EPICS_CA_MAX_ARRAY_BYTES when that is a limit', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([
      { type: 'waveform', name: 'SMALL', fields: { FTVL: 'DOUBLE', NELM: 2000, INP: '[1]', PINI: 'YES' } },
      { type: 'waveform', name: 'LARGE', fields: { FTVL: 'DOUBLE', NELM: 3000, INP: '[1]', PINI: 'YES' } },
    ]) });
    await using client = watchedClient(() => ioc.address, { environment: loopbackEnvironment([], { autoArrayBytes: false }) });
    const { access } = client;
    const rows = access.open(['SMALL', 'LARGE'], { monitor: true });
    await client.until('connected', () => [...rows].every((row) => access.columns.state[row] === ChannelState.connected));
    expect([...(await access.read(ioc.address, rows, 2000)).outcome]).toEqual([ReadOutcome.ok, ReadOutcome.tooLarge]);
    await client.until('the small one', () => access.monitored(rows).outcome[0] === ReadOutcome.ok);
    expect(access.monitored(rows).outcome[1]).toBe(ReadOutcome.noUpdateYet);
  });

  it('creates no channels on an IOC that is paused, and creates them when it is allowed again', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'N' }]) });
    await using client = watchedClient(() => ioc.address);
    client.access.allowConnect(ioc.address, false);
    const rows = client.access.open(['N']);
    await client.event('circuit.up');
    expect(await client.access.alive(ioc.address, 2000)).toBe(true);
    expect(client.access.columns.state[rows[0]!]).toBe(ChannelState.connecting);
    client.access.allowConnect(ioc.address, true);
    await client.event('channels.connected');
  });

  it('gives rows out again after they were closed, and ends the circuit with the last one', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'A', fields: { VAL: 1, PINI: 'YES' } }, { type: 'ao', name: 'B', fields: { VAL: 2, PINI: 'YES' } }]) });
    await using client = watchedClient(() => ioc.address, { capacity: 2 });
    const { access } = client;
    const first = access.open(['A', 'B'], { monitor: true });
    expect(() => access.open(['C'])).toThrow(/columns hold 2/);
    await client.until('both', () => access.monitored(first).outcome.every((outcome) => outcome === ReadOutcome.ok));
    access.close(first);
    expect([...access.monitored(first).outcome]).toEqual([ReadOutcome.notFound, ReadOutcome.notFound]);
    await client.event('circuit.down');
    const rows = await eventually(() => {
      try {
        return access.open(['B', 'A'], { monitor: true });
      } catch {
        return undefined;
      }
    }, { saying: 'free rows' });
    await client.until('both again', () => access.monitored(rows).outcome.every((outcome) => outcome === ReadOutcome.ok));
    expect([...access.monitored(rows).num]).toEqual([2, 1]);
  });
});

describe('puts on a real IOC', () => {
  it('lets nobody wait for a slow record, keeps it busy, and frees it with its completion', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([
      { type: 'seq', name: 'SLOW', fields: { DLY1: 1, DO1: 1, LNK1: 'FAST PP' } }, { type: 'ao', name: 'FAST' }, { type: 'ao', name: 'OTHER' },
    ]) });
    await using client = watchedClient(() => ioc.address);
    const { access } = client;
    const rows = access.open(['SLOW.PROC', 'OTHER']);
    await client.until('connected', () => [...rows].every((row) => access.columns.state[row] === ChannelState.connected));
    const put = async (deadlineMs: number): Promise<number[]> => [...(await access.write(ioc.address, rows, numbers([1, 5]), { deadlineMs, window: 128 })).outcome];
    expect(await put(200)).toEqual([WriteOutcome.timeout, WriteOutcome.done]);
    expect(await put(200)).toEqual([WriteOutcome.busy, WriteOutcome.done]);
    await eventually(async () => (await put(200))[0] !== WriteOutcome.busy, { saying: 'the completion' });
    expect(access.statistics().circuits).toBe(2);
  });

  it('I1: a hung IOC costs a large write one deadline, and says what was not sent', async () => {
    await using ioc = await startSoftIoc({ records: manyRecords(500, (n) => ({ type: 'ao', name: `N${n}` })) });
    await using client = watchedClient(() => ioc.address);
    const { access } = client;
    const rows = access.open(Array.from({ length: 500 }, (_, n) => `N${n}`));
    await client.until('connected', () => [...rows].every((row) => access.columns.state[row] === ChannelState.connected));
    const values = numbers([...rows].map((_, i) => i));
    expect((await access.write(ioc.address, rows, values, { deadlineMs: 2000, window: 64 })).outcome.every((outcome) => outcome === WriteOutcome.done)).toBe(true);
    await hang(ioc, access);
    const from = performance.now();
    const { outcome } = await access.write(ioc.address, rows, values, { deadlineMs: 500, window: 64 });
    expect(performance.now() - from).toBeLessThan(1500);
    const count = (which: number): number => outcome.filter((one) => one === which).length;
    expect([count(WriteOutcome.timeout), count(WriteOutcome.notSent)]).toEqual([64, 436]);
    ioc.kill('SIGCONT');
    await eventually(async () => (await access.write(ioc.address, rows, values, { deadlineMs: 2000, window: 64 })).outcome.every((one) => one === WriteOutcome.done), { saying: 'all puts after the pause' });
  });

  it('says `disconnected` for rows that are not connected, without waiting', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'N' }]) });
    await using client = watchedClient((name) => (name === 'N' ? ioc.address : undefined));
    const rows = client.access.open(['N', 'NONE']);
    await client.event('channels.connected');
    const from = performance.now();
    expect([...(await client.access.write(ioc.address, rows, numbers([1, 2]), { deadlineMs: 5000, window: 1 })).outcome]).toEqual([WriteOutcome.done, WriteOutcome.disconnected]);
    expect(performance.now() - from).toBeLessThan(2000);
  });
});
