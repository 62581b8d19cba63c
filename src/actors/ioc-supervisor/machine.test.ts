import { createActor, SimulatedClock } from 'xstate';
import { afterEach, describe, expect, test } from 'vitest';
import { Access, ChannelColumns, ChannelState } from '../../channel-access/columns.ts';
import { deferred } from '../../../testing/deferred.ts';
import type { Admission, IocEvent, OperatorOrder } from './events.ts';
import { createIocMachine } from './machine.ts';
import { breakerOptions, type BreakerOptionsInput } from './options.ts';
import { breakerOf, channelTableOf, viewOf } from './view.ts';

const ioc = '127.0.0.1:5064';
const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

interface Rig {
  options?: BreakerOptionsInput;
  circuitUp?: boolean;
  order?: OperatorOrder;
  rows?: number;
  /** Hold grants back until `grant()`. */
  cap?: boolean;
  throwIn?: 'changed' | 'allowConnect';
}

function rig({ options, circuitUp = true, order, rows = 4, cap = false, throwIn }: Rig = {}) {
  const clock = new SimulatedClock();
  clock.set(1_000_000);
  const columns = new ChannelColumns(rows);
  columns.state.fill(ChannelState.connected);
  columns.access.fill(Access.read | Access.write);
  columns.elements.fill(1);
  const probes: { rows: number[]; answer: (ok: boolean) => void; fail: (error: Error) => void }[] = [];
  const connects: boolean[] = [];
  const requested = new Map<string, () => void>();
  let released = 0;
  let trips = 0;
  let faulty = false;
  const machine = createIocMachine({
    columns,
    options: breakerOptions.parse({ window: 10, minCalls: 4, probes: 2, ...options }),
    now: () => clock.now(),
    random: () => 0.999_999,
    probe: (_, probed) => {
      const answer = deferred<boolean>();
      probes.push({ rows: [...probed], answer: answer.resolve, fail: answer.reject });
      return answer.promise;
    },
    allowConnect: (_, allowed) => {
      if (faulty && throwIn === 'allowConnect') throw new Error('allowConnect is broken');
      connects.push(allowed);
    },
    probes: { request: (name, granted) => (cap ? void requested.set(name, granted) : granted()), release: () => released++ },
    changed: () => {
      if (faulty && throwIn === 'changed') throw new Error('changed is broken');
    },
    tripped: () => trips++,
  });
  const actor = createActor(machine, { clock, input: { ioc, rows: Int32Array.from({ length: rows }, (_, row) => row), order: order ?? null, circuitUp } });
  actor.subscribe({ error: () => {} });
  actor.start();
  stops.push(() => actor.stop());
  const ask = (): Admission => {
    let admission: Admission | undefined;
    actor.send({ type: 'op.ask', answer: (given) => (admission = given) });
    return admission!;
  };
  const generation = (): number => {
    const admission = ask();
    return admission.go ? admission.generation : -1;
  };
  return {
    actor, clock, columns, probes, connects, ask, generation,
    state: () => breakerOf(actor.getSnapshot()),
    context: () => actor.getSnapshot().context,
    send: (...events: IocEvent[]) => events.forEach((event) => actor.send(event)),
    fail: (silent = false) => actor.send({ type: 'op.failed', generation: generation(), silent, reason: 'no answer' }),
    succeed: () => actor.send({ type: 'op.ok', generation: generation() }),
    /** Answers the probe under way and lets the answer arrive. */
    probe: async (ok: boolean) => {
      probes.at(-1)!.answer(ok);
      await settle();
    },
    grant: () => requested.get(ioc)!(),
    released: () => released,
    trips: () => trips,
    breakNow: () => (faulty = true),
  };
}

/** Lets every promise that is resolved already be seen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

const down: IocEvent = { type: 'ca.circuit.down', reason: 'the IOC closed the connection' };
const hung: IocEvent = { type: 'ca.circuit.unresponsive', silentMs: 5_000 };
const up: IocEvent = { type: 'ca.circuit.up' };
const open: IocEvent = { type: 'operator.open', who: 'ada', why: 'power cycle' };
const close: IocEvent = { type: 'operator.close', who: 'ada', why: 'done' };
const observe: IocEvent = { type: 'operator.observe', who: 'ada', why: 'too eager' };

type Script = (r: ReturnType<typeof rig>) => void | Promise<void>;
const toOpen = (r: ReturnType<typeof rig>): void => r.send(down);
const toHalfOpen = (r: ReturnType<typeof rig>): void => {
  r.send(down, up);
  r.clock.increment(200);
};

// The transition table of the design, one line per row; `given` brings the actor to the state in `from`.
const table: { from: string; given: Script; when: string; act: Script; to: string; also?: Script; rig?: Rig }[] = [
  { from: 'closed', given: () => {}, when: 'operations succeed', act: (r) => { for (let i = 0; i < 20; i++) r.succeed(); }, to: 'closed', also: (r) => expect(r.context().window).toMatchObject({ calls: 10, failures: 0 }) },
  { from: 'closed', given: () => {}, when: 'fewer operations fail than count', act: (r) => { for (let i = 0; i < 3; i++) r.fail(); }, to: 'closed' },
  { from: 'closed', given: () => {}, when: 'failures reach minimum and rate', act: (r) => { for (let i = 0; i < 4; i++) r.fail(); }, to: 'open', also: (r) => expect(r.context().reason).toBe('4 of the last 4 operations failed, the limit is 50 %: no answer') },
  { from: 'closed', given: (r) => { for (let i = 0; i < 6; i++) r.succeed(); }, when: 'failures stay below the rate', act: (r) => { for (let i = 0; i < 4; i++) r.fail(); }, to: 'closed' },
  { from: 'closed', given: () => {}, when: 'one whole sweep is silent', act: (r) => r.fail(true), to: 'open' },
  { from: 'closed', given: () => {}, when: 'the circuit goes down', act: (r) => r.send(down), to: 'open', also: (r) => expect(channelTableOf(r.actor.getSnapshot())!.counts[2]).toBe(4) },
  { from: 'closed', given: () => {}, when: 'the circuit stops answering', act: (r) => r.send(hung), to: 'open', also: (r) => expect(r.context().circuit).toBe('unresponsive') },
  { from: 'closed', given: () => {}, when: 'an operator opens', act: (r) => r.send(open), to: 'forcedOpen' },
  { from: 'closed', given: () => {}, when: 'an operator observes', act: (r) => r.send(observe), to: 'observing' },
  { from: 'closed (known by name only)', rig: { circuitUp: false }, given: () => {}, when: 'no circuit comes', act: (r) => r.clock.increment(5_000), to: 'open', also: (r) => expect(r.context().reason).toBe('no circuit since start') },
  { from: 'closed (known by name only)', rig: { circuitUp: false }, given: () => {}, when: 'the circuit comes in time', act: (r) => { r.send(up); r.clock.increment(60_000); }, to: 'closed' },
  { from: 'open', given: toOpen, when: 'the backoff is not over', act: (r) => r.clock.increment(999), to: 'open' },
  { from: 'open', given: toOpen, when: 'the backoff is over', act: (r) => r.clock.increment(1_000), to: 'halfOpen' },
  { from: 'open', given: toOpen, when: 'the circuit is back but not settled', act: (r) => { r.send(up); r.clock.increment(199); }, to: 'open' },
  { from: 'open', given: toOpen, when: 'the circuit is back and settled', act: (r) => { r.send(up); r.clock.increment(200); }, to: 'halfOpen' },
  { from: 'open (hung)', given: (r) => r.send(hung), when: 'echoes are answered again', act: (r) => { r.send({ type: 'ca.circuit.responsive' }); r.clock.increment(200); }, to: 'halfOpen' },
  { from: 'open', given: toOpen, when: 'the circuit is lost again while settling', act: (r) => { r.send(up, down); r.clock.increment(300); }, to: 'open' },
  { from: 'open', given: toOpen, when: 'an operator closes', act: (r) => r.send(close), to: 'closed', also: (r) => expect(r.context()).toMatchObject({ attempt: 0, nextProbeAt: null }) },
  { from: 'open', given: toOpen, when: 'an operator opens', act: (r) => r.send(open), to: 'forcedOpen' },
  { from: 'open', given: toOpen, when: 'an operator observes', act: (r) => r.send(observe), to: 'observing' },
  { from: 'halfOpen', given: toHalfOpen, when: 'one of two probes is answered', act: (r) => r.probe(true), to: 'halfOpen', also: (r) => expect(r.probes).toHaveLength(2) },
  { from: 'halfOpen', given: toHalfOpen, when: 'the last probe is answered', act: async (r) => { await r.probe(true); await r.probe(true); }, to: 'closed', also: (r) => expect(r.context()).toMatchObject({ attempt: 0, window: { calls: 0, failures: 0 } }) },
  { from: 'halfOpen', given: toHalfOpen, when: 'a probe is not answered', act: (r) => r.probe(false), to: 'open', also: (r) => expect(r.context().attempt).toBe(1) },
  { from: 'halfOpen', given: toHalfOpen, when: 'the second probe is not answered', act: async (r) => { await r.probe(true); await r.probe(false); }, to: 'open' },
  { from: 'halfOpen', given: toHalfOpen, when: 'a probe breaks', act: async (r) => { r.probes[0]!.fail(new Error('port gone')); await settle(); }, to: 'open', also: (r) => expect(r.context().reason).toBe('a probe failed: port gone') },
  { from: 'halfOpen', given: toHalfOpen, when: 'a probe never ends', act: (r) => r.clock.increment(1_250), to: 'open', also: (r) => expect(r.context().reason).toBe('a probe timed out') },
  { from: 'halfOpen', given: toHalfOpen, when: 'the circuit goes down', act: (r) => r.send(down), to: 'open', also: (r) => expect(r.context().attempt).toBe(1) },
  { from: 'halfOpen (no circuit)', given: (r) => { toOpen(r); r.clock.increment(1_000); }, when: 'no circuit comes', act: (r) => r.clock.increment(1_250), to: 'open', also: (r) => expect(r.probes).toHaveLength(0) },
  { from: 'halfOpen (no circuit)', given: (r) => { toOpen(r); r.clock.increment(1_000); }, when: 'the circuit comes', act: (r) => r.send(up), to: 'halfOpen', also: (r) => expect(r.probes).toHaveLength(1) },
  { from: 'halfOpen', given: toHalfOpen, when: 'an operator closes', act: (r) => r.send(close), to: 'closed' },
  { from: 'forcedOpen', given: (r) => r.send(open), when: 'the circuit goes down, up, and time passes', act: (r) => { r.send(down, up); r.clock.increment(600_000); }, to: 'forcedOpen' },
  { from: 'forcedOpen', given: (r) => r.send(open), when: 'an operator closes', act: (r) => r.send(close), to: 'closed' },
  { from: 'forcedOpen until a time', given: (r) => r.send({ ...open, until: 1_000_000 + 60_000 } as IocEvent), when: 'the time has come', act: (r) => r.clock.increment(60_000), to: 'halfOpen' },
  { from: 'forcedOpen until a time', given: (r) => r.send({ ...open, until: 1_000_000 + 60_000 } as IocEvent), when: 'the time has not come', act: (r) => r.clock.increment(59_999), to: 'forcedOpen' },
  { from: 'observing', given: (r) => r.send(observe), when: 'everything fails', act: (r) => { for (let i = 0; i < 20; i++) r.fail(true); r.send(hung, down); }, to: 'observing', also: (r) => expect(r.context().window).toMatchObject({ calls: 10, failures: 10 }) },
  { from: 'observing until a time', given: (r) => r.send({ ...observe, until: 1_000_000 + 60_000 } as IocEvent), when: 'the time has come', act: (r) => r.clock.increment(60_000), to: 'closed', also: (r) => expect(r.context().window.calls).toBe(0) },
  { from: 'observing', given: (r) => r.send(observe), when: 'an operator opens', act: (r) => r.send(open), to: 'forcedOpen' },
];

describe('the breaker', () => {
  for (const row of table) {
    test(`${row.from}: ${row.when} -> ${row.to}`, async () => {
      const r = rig(row.rig);
      await row.given(r);
      expect(r.state()).toBe(row.from.split(' ')[0]);
      await row.act(r);
      expect(r.state()).toBe(row.to);
      await row.also?.(r);
    });
  }

  test('the pause doubles with each failed opening, up to its limit, and is jittered', async () => {
    const r = rig({ options: { baseMs: 1_000, maxMs: 5_000 } });
    r.send(hung);
    const pauses: number[] = [];
    for (let i = 0; i < 5; i++) {
      pauses.push(r.context().nextProbeAt! - r.clock.now());
      r.clock.increment(pauses.at(-1)!);
      await r.probe(false);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  test('I2: an open breaker answers at once with the reason and the time of the next probe', () => {
    const r = rig();
    r.send(down);
    const admission = r.ask();
    expect(admission).toEqual({
      go: false,
      state: 'open',
      problem: 'breaker open: circuit down: the IOC closed the connection; next probe at 1970-01-01T00:16:41.000Z',
      nextProbeAt: 1_001_000,
    });
  });

  test('I2: halfOpen and forcedOpen refuse too, closed and observing admit', async () => {
    const r = rig();
    expect(r.ask()).toMatchObject({ go: true, state: 'closed' });
    toHalfOpen(r);
    expect(r.ask()).toMatchObject({ go: false, state: 'halfOpen' });
    r.send(open);
    expect(r.ask()).toMatchObject({ go: false, state: 'forcedOpen', problem: 'breaker forced open: open by ada: power cycle', nextProbeAt: null });
    r.send(observe);
    expect(r.ask()).toMatchObject({ go: true, state: 'observing' });
  });

  test('a late answer of an older generation changes nothing', async () => {
    const r = rig();
    const old = r.generation();
    toHalfOpen(r);
    r.send({ type: 'op.failed', generation: old, silent: true, reason: 'late' });
    expect(r.state()).toBe('halfOpen');
    await r.probe(true);
    await r.probe(true);
    r.send({ type: 'op.failed', generation: old, silent: true, reason: 'late' });
    expect(r.state()).toBe('closed');
    expect(r.context().window.calls).toBe(0);
  });

  test('an answer to an abandoned probe does not close the breaker', async () => {
    const r = rig();
    toHalfOpen(r);
    r.clock.increment(1_250);
    expect(r.state()).toBe('open');
    r.probes[0]!.answer(true);
    await settle();
    expect(r.state()).toBe('open');
  });

  test('a probe reads few connected scalars, other ones at each attempt', async () => {
    const r = rig({ rows: 9, options: { probeRows: 2 } });
    r.columns.elements[0] = 100;
    r.columns.state[1] = ChannelState.disconnected;
    r.columns.access[2] = 0;
    r.send(hung);
    r.clock.increment(1_000);
    await r.probe(false);
    r.clock.increment(2_000);
    expect(r.probes.map((probe) => probe.rows)).toEqual([[3, 4], [5, 6]]);
  });

  test('a probe waits for its turn among all IOCs, and gives it back whatever happens', () => {
    const r = rig({ cap: true });
    r.send(down);
    r.clock.increment(600_000);
    expect(r.state()).toBe('open');
    r.send(up);
    const before = r.released();
    r.grant();
    expect(r.state()).toBe('halfOpen');
    r.send(close);
    expect(r.released()).toBeGreaterThan(before);
  });

  test('connects are paused while the breaker is open and resumed for the probe', () => {
    const r = rig();
    toHalfOpen(r);
    expect(r.connects).toEqual([true, false, true]);
    r.send(open);
    expect(r.connects.at(-1)).toBe(false);
  });

  test('an order in force survives the restart of the actor', () => {
    expect(rig({ order: open as OperatorOrder }).state()).toBe('forcedOpen');
    expect(rig({ order: observe as OperatorOrder }).state()).toBe('observing');
  });

  test('a hold longer than a timer can count does not end early', () => {
    const r = rig();
    r.send({ ...open, until: r.clock.now() + 40 * 86_400_000 } as IocEvent);
    for (let day = 0; day < 39; day++) r.clock.increment(86_400_000);
    expect(r.state()).toBe('forcedOpen');
    r.clock.increment(86_400_000);
    expect(r.state()).toBe('halfOpen');
  });

  for (const throwIn of ['changed', 'allowConnect'] as const) {
    test(`F1: a fault in ${throwIn} ends the actor in a final state with its reason, channels stopped`, () => {
      const r = rig({ throwIn });
      const set = r.actor.getSnapshot().children.channels!;
      expect(channelTableOf(r.actor.getSnapshot())!.channels.size).toBe(4);
      r.breakNow();
      r.send(down);
      expect(r.actor.getSnapshot()).toMatchObject({ status: 'done', output: { fault: `${throwIn} is broken` } });
      expect(set.getSnapshot().status).toBe('stopped');
      expect(set.getSnapshot().context.channels.size).toBe(0);
    });
  }

  test('F1: an asker whose callback throws harms only this actor, and it says so', () => {
    const r = rig();
    r.send({ type: 'op.ask', answer: () => { throw new Error('asker is broken'); } });
    expect(r.actor.getSnapshot()).toMatchObject({ status: 'done', output: { fault: 'asker is broken' } });
  });

  test('its view says what operators need', () => {
    const r = rig();
    for (let i = 0; i < 4; i++) r.fail();
    expect(viewOf(r.actor.getSnapshot(), 'host-1', 2)).toEqual({
      name: ioc, host: 'host-1', state: 'open', reason: '4 of the last 4 operations failed, the limit is 50 %: no answer',
      since: '1970-01-01T00:16:40.000Z', circuit: 'up', channels: { total: 4, searching: 0, connected: 0, unresponsive: 4, disconnected: 0, denied: 0 },
      window: { calls: 4, failures: 4 }, attempt: 0, nextProbeAt: '1970-01-01T00:16:41.000Z', restarts: 2, forcedBy: null,
    });
    expect(r.trips()).toBe(1);
  });
});
