import { SimulatedClock } from 'xstate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedChannelAccess, targetsFor } from '../../../testing/fakes/channel-access.ts';
import { deferred } from '../../../testing/deferred.ts';
import { startNats, type NatsServer } from '../../../testing/harness/index.ts';
import { connectNats, ensureTopology } from '../../bus/nats/index.ts';
import type { Bus, WorkMessage } from '../../bus/port.ts';
import { WriteOutcome } from '../../channel-access/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { decodeFrame, encodeFrame } from '../../contracts/frame.ts';
import { RestoreOutcome, restoreOutcomeNames, restoreReasonNames } from '../../contracts/restores.ts';
import { unrolled } from '../../contracts/row-results.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { ValueKind } from '../../contracts/values.ts';
import type { RestoreLogEntry, WriteItem } from '../../contracts/work.ts';
import { silentLog } from '../../kernel/log.ts';
import { createFacility } from '../facility/index.ts';
import { breakerOptions } from '../ioc-supervisor/index.ts';
import { ChannelTable } from './channel-table.ts';
import { createWriteServer, nextSlice } from './writes.ts';

const a = '10.0.0.1:5064';
let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.url, name: 'test', log: silentLog });
  await ensureTopology(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

/** Lets simulated time pass until the work is done. */
async function turning(clock: SimulatedClock, work: Promise<void>): Promise<void> {
  let done = false;
  void work.finally(() => (done = true)).catch(() => {});
  for (let turns = 0; !done; turns++) {
    if (turns === 100_000) throw new Error('the work has not ended after 10,000 s of simulated time');
    await new Promise((resolve) => setImmediate(resolve));
    clock.increment(100);
  }
  await work;
}

let jobs = 0;

function rig(rows: number) {
  const clock = new SimulatedClock();
  clock.set(1_000_000);
  const ca = new ScriptedChannelAccess(clock, 2_000);
  const facility = createFacility({ host: 'h', channelAccess: ca, clock, random: () => 0.5, log: silentLog, breaker: breakerOptions.parse({}) });
  facility.start();
  ca.listen((event) => facility.tell(event));
  const table = new ChannelTable(2_000);
  const names = Array.from({ length: rows }, (_, i) => `PV${i}`);
  table.replace(names.map((name, i) => [i + 1, name, null]));
  const opened = ca.open(names);
  opened.forEach((row, i) => table.opened(i + 1, row));
  facility.assign(opened, null);
  ca.serve(a, names);
  const job = `job-${++jobs}`;
  /** A fresh server is a fresh process: it knows only what the log says. */
  const process = (over: Bus = bus) => {
    const ending = new AbortController();
    return { server: createWriteServer({ facility, table, channelAccess: ca, bus: over, host: 'h', clock, random: () => 0.5, signal: ending.signal, log: silentLog, counted: () => {} }), ending };
  };
  const channels = Int32Array.from(names, (_, i) => i + 1);
  const message = (options: Partial<WriteItem> = {}): WorkMessage & { beats: number } => {
    const item: WriteItem = {
      kind: 'write', job, item: 1, ioc: a, deadlineMs: 1_000, readDeadlineMs: 1_000, window: 500, startBefore: clock.now() + 1_000_000_000,
      absTolerance: names.map(() => 0.001), relTolerance: names.map(() => 0), who: 'ada', reason: 'test', ...options,
    };
    const made = { subject: '', body: encodeFrame(item, targetsFor(channels, names.map((_, i) => i * 10))), delivery: 1, beats: 0, working: () => void made.beats++ };
    return made;
  };
  const log = async (): Promise<RestoreLogEntry[]> => (await bus.readLog(streams.restoreLog, subjects.restoreLog(job, 1))).map(({ body }) => decodeFrame<RestoreLogEntry>(body).head);
  /** Every outcome logged, by row; R4 wants one each. */
  const outcomes = async (): Promise<string[][]> => {
    const byRow: string[][] = names.map(() => []);
    for (const entry of await log()) {
      if (entry.kind !== 'outcomes') continue;
      unrolled(entry.results).forEach(([outcome, reason], i) => byRow[entry.from + i]!.push(reason === 0 ? restoreOutcomeNames[outcome]! : `${restoreOutcomeNames[outcome]!} ${restoreReasonNames[reason]!}`));
    }
    return byRow;
  };
  const close = (why: 'cancelled' = 'cancelled') => bus.store(subjects.restoreLog(job, 1), encodeFrame({ kind: 'closed', job, item: 1, why, at: 0 } satisfies RestoreLogEntry));
  return { ca, clock, facility, job, names, process, message, log, outcomes, close };
}

test('a slice is what an IOC takes in about a second: an unknown one is not given much, a slow one little', () => {
  expect(nextSlice(512, 10)).toBe(2_048);
  expect(nextSlice(512, 0)).toBe(2_048);
  expect(nextSlice(128, 10)).toBe(512);
  expect(nextSlice(2_048, 1_000)).toBe(2_048);
  expect(nextSlice(2_048, 4_000)).toBe(512);
  expect(nextSlice(512, 60_000)).toBe(128);
});

describe('a write item', () => {
  test('R4: each row ends in one outcome, and the log has it before the item is acknowledged', async () => {
    const r = rig(12);
    const { done, timeout, lost, refused, doesNotFit, busy, noWriteAccess, disconnected, notSent } = WriteOutcome;
    [done, timeout, lost, refused, doesNotFit, busy, noWriteAccess, disconnected, notSent].forEach((outcome, i) => r.ca.writeOutcomes.set(`PV${i}`, outcome));
    r.ca.values.set('PV2', 999);
    await r.process().server.serve(r.message());
    expect(await r.outcomes()).toEqual([
      ['verified'], ['verified timeout'], ['unknown circuitLost'], ['failed refused'], ['failed wrongType'], ['failed busy'],
      ['failed noWriteAccess'], ['failed disconnected'], ['failed hostLost'], ['verified'], ['verified'], ['verified'],
    ]);
    expect((await r.log()).map((entry) => entry.kind)).toEqual(['attempting', 'outcomes', 'finished']);
    expect(r.ca.writes.map((write) => write.window)).toEqual([128]);
  });

  test('a row that reads back outside its tolerance has failed, one within it is verified', async () => {
    const r = rig(2);
    r.ca.afterWrite = async () => {
      r.ca.values.set('PV0', 0.0005);
      r.ca.values.set('PV1', 10.5);
    };
    await r.process().server.serve(r.message());
    expect(await r.outcomes()).toEqual([['verified'], ['failed differs']]);
  });

  test('S3: the log has what was read back, arrays included, although the memory of the read is given back', async () => {
    const r = rig(2);
    r.ca.arrays.set('PV1', Uint8Array.of(1, 2, 3));
    await r.process().server.serve(r.message());
    const frames = (await bus.readLog(streams.restoreLog, subjects.restoreLog(r.job, 1))).map(({ body }) => decodeFrame<RestoreLogEntry>(body));
    const { columns } = frames.find(({ head }) => head.kind === 'outcomes')!;
    expect([Array.from(columns.outcome), columns.bytes.get(1), r.ca.recycled]).toEqual([[1, 1], Uint8Array.of(1, 2, 3), 1]);
  });

  test('a row that cannot be read back is written, not verified', async () => {
    const r = rig(1);
    r.ca.afterWrite = async () => void r.ca.hung.add(a);
    const serving = r.process().server.serve(r.message());
    while (r.ca.reads === 0) await new Promise((resolve) => setImmediate(resolve));
    r.clock.increment(1_000);
    await serving;
    expect(await r.outcomes()).toEqual([['written notReadBack']]);
  });

  test('I2: rows of an open breaker are held, and nothing is sent', async () => {
    const r = rig(3);
    r.ca.drop(a);
    await r.process().server.serve(r.message());
    expect(await r.outcomes()).toEqual([['held iocOpen'], ['held iocOpen'], ['held iocOpen']]);
    expect(r.ca.writes).toEqual([]);
  });

  test('an item that came too late is not started', async () => {
    const r = rig(2);
    await r.process().server.serve(r.message({ startBefore: r.clock.now() - 1 }));
    expect(await r.outcomes()).toEqual([['failed expired'], ['failed expired']]);
    expect(r.ca.writes).toEqual([]);
  });

  test('R2: after a crash rows attempted end as unknown, rows not attempted are written, none is written twice', async () => {
    const r = rig(700);
    const crash = deferred<void>();
    const reached = deferred<void>();
    r.ca.afterWrite = () => {
      reached.resolve();
      return crash.promise;
    };
    void r.process().server.serve(r.message());
    await reached.promise;
    r.ca.afterWrite = undefined;
    // The process is gone here: its first 512 rows are on the machine, and the log only says `attempting`.
    await r.process().server.serve({ ...r.message(), delivery: 2 });
    const outcomes = await r.outcomes();
    expect(outcomes.every((row) => row.length === 1)).toBe(true);
    expect(outcomes.slice(0, 512).every(([outcome]) => outcome === 'unknown processDied')).toBe(true);
    expect(outcomes.slice(512).every(([outcome]) => outcome === 'verified')).toBe(true);
    expect(r.ca.writes.map((write) => write.names.length)).toEqual([512, 188]);
    expect(new Set(r.ca.writes.flatMap((write) => write.names)).size).toBe(700);
  });

  test('R2: an item whose log is finished is acknowledged without writing anything', async () => {
    const r = rig(3);
    await r.process().server.serve(r.message());
    await r.process().server.serve({ ...r.message(), delivery: 2 });
    expect(r.ca.writes).toHaveLength(1);
    expect((await r.outcomes()).every((row) => row.length === 1)).toBe(true);
  });

  test('R2: the same item delivered twice at once is written once', async () => {
    const r = rig(3);
    const { server } = r.process();
    await Promise.all([server.serve(r.message()), server.serve({ ...r.message(), delivery: 2 })]);
    expect(r.ca.writes).toHaveLength(1);
    expect(await r.outcomes()).toEqual([['verified'], ['verified'], ['verified']]);
  });

  test('an item that the coordinator closed before it began is not written', async () => {
    const r = rig(3);
    await r.close();
    await r.process().server.serve(r.message());
    expect(r.ca.writes).toEqual([]);
    expect(await r.outcomes()).toEqual([[], [], []]);
  });

  test('a cancel between two slices leaves the rest unwritten', async () => {
    const r = rig(700);
    r.ca.afterWrite = async () => void (await r.close());
    await r.process().server.serve(r.message());
    expect(r.ca.writes.map((write) => write.names.length)).toEqual([512]);
    const outcomes = await r.outcomes();
    expect(outcomes.slice(0, 512).every((row) => row.length === 1 && row[0] === 'verified')).toBe(true);
    expect(outcomes.slice(512).every((row) => row.length === 0)).toBe(true);
  });

  test('a host that stops gives the item back at a slice, with the outcomes of what it wrote', async () => {
    const r = rig(700);
    const { server, ending } = r.process();
    r.ca.afterWrite = async () => ending.abort();
    const message = r.message();
    await expect(server.serve(message)).rejects.toThrow('is given back');
    await r.process().server.serve({ ...message, delivery: 2 });
    expect((await r.outcomes()).every((row) => row.length === 1 && row[0] === 'verified')).toBe(true);
  });

  test('R2: of two processes that believe the item is theirs, the one that comes late writes nothing', async () => {
    const r = rig(3);
    const late = deferred<void>();
    const reached = deferred<void>();
    const slow: Bus = Object.create(bus, {
      store: {
        value: async (subject: string, body: Uint8Array, options: { id?: string; after?: number }) => {
          reached.resolve();
          await late.promise;
          return await bus.store(subject, body, options);
        },
      },
    }) as Bus;
    const lagging = r.process(slow).server.serve(r.message());
    await reached.promise;
    await r.process().server.serve(r.message());
    late.resolve();
    await expect(lagging).rejects.toThrow('another process writes item 1');
    expect(r.ca.writes).toHaveLength(1);
    expect(await r.outcomes()).toEqual([['verified'], ['verified'], ['verified']]);
  });

  test('an attempt that was stored though its answer was lost goes on', async () => {
    const r = rig(2);
    let lost = false;
    const lossy: Bus = Object.create(bus, {
      store: {
        value: async (subject: string, body: Uint8Array, options: { id?: string; after?: number }) => {
          const stored = await bus.store(subject, body, options);
          if (lost) return stored;
          lost = true;
          throw new DreyError('timeout', 'no answer in time');
        },
      },
    }) as Bus;
    const serving = r.process(lossy).server.serve(r.message());
    await turning(r.clock, serving);
    expect(lost).toBe(true);
    expect((await r.log()).map((entry) => entry.kind)).toEqual(['attempting', 'outcomes', 'finished']);
    expect(await r.outcomes()).toEqual([['verified'], ['verified']]);
  });

  test('while the bus is away the outcomes wait: nothing that is known becomes unknown', async () => {
    const r = rig(2);
    let refusals = 3;
    const shaky: Bus = Object.create(bus, {
      store: {
        value: async (subject: string, body: Uint8Array, options: { id?: string; after?: number }) => {
          if (r.ca.writes.length > 0 && refusals-- > 0) throw new DreyError('unavailable', 'the bus is away');
          return await bus.store(subject, body, options);
        },
      },
    }) as Bus;
    const serving = r.process(shaky).server.serve(r.message());
    await turning(r.clock, serving);
    expect(refusals).toBeLessThan(1);
    expect(await r.outcomes()).toEqual([['verified'], ['verified']]);
    expect(r.ca.writes).toHaveLength(1);
  });

  test('the server hears that a long item is still in work', async () => {
    const r = rig(1);
    const hold = deferred<void>();
    const reached = deferred<void>();
    r.ca.afterWrite = () => {
      reached.resolve();
      return hold.promise;
    };
    const message = r.message();
    const serving = r.process().server.serve(message);
    await reached.promise;
    for (let i = 0; i < 4; i++) r.clock.increment(5_000);
    expect(message.beats).toBe(4);
    hold.resolve();
    await serving;
    r.clock.increment(60_000);
    expect(message.beats).toBe(4);
  });

  test('a float channel verifies a double that it can only hold rounded', async () => {
    const { readBackOf } = await import('./write-outcomes.ts');
    const target = targetsFor(Int32Array.of(1), [1.1]);
    const back = targetsFor(Int32Array.of(1), [Math.fround(1.1)]);
    back.kind[0] = ValueKind.float;
    expect(readBackOf(target, 0, back, 0, { abs: 0, rel: 0 })).toBe('same');
    back.kind[0] = ValueKind.double;
    expect(readBackOf(target, 0, back, 0, { abs: 0, rel: 0 })).toBe('differs');
    expect(RestoreOutcome.verified).toBe(2);
  });
});
