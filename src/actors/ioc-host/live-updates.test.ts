// An ioc-host's live updates on a real bus, with a Channel Access that the test plays.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ScriptedChannelAccess } from '../../../testing/fakes/channel-access.ts';
import { eventually, startNats } from '../../../testing/harness/index.ts';
import { connectNats } from '../../bus/nats/index.ts';
import { json, type Bus } from '../../bus/port.ts';
import { decodeFrame, type Frame } from '../../contracts/frame.ts';
import type { LiveInterest, LiveUpdates } from '../../contracts/live.ts';
import { subjects } from '../../contracts/subjects.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { ChannelTable } from './channel-table.ts';
import { sendLiveUpdates, type LiveSender } from './live-updates.ts';

const ioc = '127.0.0.1:5064';
let nats: Awaited<ReturnType<typeof startNats>>;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.connection.servers, name: 'test', log: silentLog });
});
afterAll(async () => {
  await bus.close();
  await nats[Symbol.asyncDispose]();
});

/** Time that passes only when the test says so. */
class HandClock implements Clock {
  readonly timers = new Map<object, { at: number; run: () => void }>();
  #now = 1_700_000_000_000;
  now(): number {
    return this.#now;
  }
  setTimeout(run: () => void, ms: number): unknown {
    const timer = {};
    this.timers.set(timer, { at: this.#now + ms, run });
    return timer;
  }
  clearTimeout(timer: unknown): void {
    this.timers.delete(timer as object);
  }
  pass(ms: number): void {
    for (const end = this.#now + ms; ;) {
      const [timer, due] = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!timer || !due || due.at > end) {
        this.#now = end;
        return;
      }
      this.#now = due.at;
      this.timers.delete(timer);
      due.run();
    }
  }
}

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0)) await part.stop();
});

async function host(names: readonly string[]) {
  const clock = new HandClock();
  const ca = new ScriptedChannelAccess(clock);
  const table = new ChannelTable(1_000);
  table.replace(names.map((name, i) => [100 + i, name, ioc]));
  ca.open(names).forEach((row, i) => table.opened(100 + i, row));
  const frames: Frame<LiveUpdates>[] = [];
  const listening = bus.subscribe(subjects.liveUpdates('h'), ({ body }) => void frames.push(decodeFrame<LiveUpdates>(body)));
  const sender: LiveSender = sendLiveUpdates({ bus, host: 'h', channelAccess: ca, facility: { iocOf: () => ioc }, table, clock, log: silentLog });
  running.push(sender, listening);
  await bus.flush();
  return {
    ca, table, frames, sender, clock,
    /** And waits until the host has heard it. */
    interest: async (more: Partial<LiveInterest> = {}): Promise<void> => {
      const before = frames.length;
      bus.publish(subjects.liveInterest, json.encode({ gateway: 'g', windowMs: 50, validMs: 5_000, ...more } satisfies LiveInterest));
      await eventually(() => (clock.timers.size > 0) === (more.windowMs !== 0) && (more.full === undefined || frames.length > before), { saying: 'the host to hear of the interest' });
    },
    /** Passes a window, and waits for what is sent at its end. */
    window: async (ms = 50): Promise<void> => {
      const before = frames.length;
      clock.pass(ms);
      await eventually(() => frames.length > before, { saying: 'frames at the end of the window' });
    },
    change: (row: number, value: number) => {
      ca.values.set(names[row]!, value);
      ca.columns.sequence[row]! += 2;
    },
    /** Rows of all frames from one on, by channel: the last of each. */
    latest: (from = 0) => new Map(frames.slice(from).flatMap(({ columns }) => [...columns.channel].map((id, row) => [id, [columns.outcome[row], columns.num[row]]] as const))),
  };
}

test('nothing is sent while nobody is interested, all at first, then what changed, numbered without gaps', async () => {
  const { ca, frames, interest, window, clock, change, latest } = await host(['A', 'B']);
  ca.serve(ioc, ['A', 'B']);
  change(0, 1);
  clock.pass(10_000);
  await bus.flush();
  expect(frames).toEqual([]);
  await interest({ full: '*' });
  expect(frames[0]!.head.full).toBe('only');
  expect(latest()).toEqual(new Map([[100, [ReadOutcome.ok, 1]], [101, [ReadOutcome.ok, 0]]]));
  change(1, 5);
  change(1, 6);
  await window();
  expect(latest(1)).toEqual(new Map([[101, [ReadOutcome.ok, 6]]]));
  expect(frames.map(({ head }) => head.sequence)).toEqual(frames.map((_, i) => i + 1));
  expect(new Set(frames.map(({ head }) => head.boot)).size).toBe(1);
});

test('a host with nothing to say says so once a second, and falls silent when the interest ends', async () => {
  const { frames, interest, window } = await host(['A']);
  await interest({ full: '*' });
  await window(1_000);
  expect(frames.at(-1)!.columns.length).toBe(0);
  expect(frames.length).toBe(2);
  await interest({ windowMs: 0 });
});

test('an interest that is not renewed expires; who comes later hears of what changed meanwhile', async () => {
  const { frames, interest, window, clock, change, latest } = await host(['A']);
  await interest({ full: '*', validMs: 3_000 });
  clock.pass(4_000);
  expect(clock.timers.size).toBe(0);
  await bus.flush();
  const from = frames.length;
  change(0, 3);
  clock.pass(4_000);
  await interest();
  await window();
  expect([...latest(from).keys()]).toEqual([100]);
});

test('S1: rows of a hung IOC lose their value, and have it back when it answers', async () => {
  const { ca, frames, sender, interest, window, change, latest } = await host(['A']);
  ca.serve(ioc, ['A']);
  change(0, 4);
  await interest({ full: '*' });
  expect(latest().get(100)).toEqual([ReadOutcome.ok, 4]);
  sender.tell({ kind: 'circuit.unresponsive', ioc, silentMs: 700 });
  await window();
  expect(latest().get(100)).toEqual([ReadOutcome.timeout, 0]);
  const from = frames.length;
  sender.tell({ kind: 'circuit.responsive', ioc });
  await window();
  expect(latest(from).get(100)).toEqual([ReadOutcome.ok, 4]);
});

test('a channel that is closed here is told as not owned', async () => {
  const { frames, table, interest, window, latest } = await host(['A', 'B']);
  await interest({ full: '*' });
  const from = frames.length;
  table.closed(100);
  await window();
  expect(latest(from)).toEqual(new Map([[100, [ReadOutcome.notOwned, 0]]]));
});
