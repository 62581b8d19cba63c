import { describe, expect, it } from 'vitest';
import { deferred } from '../../../../testing/deferred.ts';
import type { Report } from '../thread-messages.ts';
import type { Outbox } from './outbox.ts';
import { type PulseSource, Pulses } from './pulse.ts';

/** Holds the event loop, as sockets that never pause would. */
function hold(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

function pulses(flow: (behind: boolean) => void = () => {}) {
  const posted: (Report & { is: 'pulse' })[] = [];
  let next = deferred<void>();
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const outbox = { report: (report: Report) => {
    posted.push(report as Report & { is: 'pulse' });
    next.resolve();
  } } as unknown as Outbox;
  return {
    it: new Pulses(0, outbox, taken, flow), posted, taken,
    next: async (): Promise<void> => {
      await next.promise;
      next = deferred();
    },
  };
}

function update(to: Pulses, source: PulseSource): void {
  if (source.updates++ === 0) to.wake(source);
}

describe('pulses', () => {
  it('gather what happened since the last one, by IOC', async () => {
    const test = pulses();
    const [a, b] = [{ ioc: 'a', updates: 0 }, { ioc: 'b', updates: 0 }];
    for (const source of [a, b, a, a]) update(test.it, source);
    await test.next();
    expect(test.posted).toMatchObject([{ iocs: ['a', 'b'], updates: Int32Array.of(3, 1) }]);
  });

  it('wait while the main thread has not taken the last two, and lose no update', async () => {
    const test = pulses();
    const source = { ioc: 'a', updates: 0 };
    for (let round = 0; round < 2; round++) {
      update(test.it, source);
      await test.next();
    }
    update(test.it, source);
    await new Promise((resolve) => setTimeout(resolve, 0).ref());
    update(test.it, source);
    expect(test.posted).toHaveLength(2);
    Atomics.add(test.taken, 0, 2);
    await test.next();
    expect(test.posted[2]).toMatchObject({ updates: Int32Array.of(2) });
  });

  it('come with the beat of whoever reads the circuits, which says when it was late', async () => {
    const said: boolean[] = [];
    const test = pulses((behind) => said.push(behind));
    update(test.it, { ioc: 'a', updates: 0 });
    test.it.beat(0);
    expect(test.posted).toMatchObject([{ iocs: ['a'] }]);
    test.it.beat(300);
    test.it.beat(10);
    expect(said).toEqual([true, false]);
    expect(test.posted).toHaveLength(1);
    test.it.stop();
  });

  it('come half as often while there is nothing but numbers', () => {
    const test = pulses();
    const source = { ioc: 'a', updates: 0 };
    for (let beat = 0; beat < 2; beat++) {
      update(test.it, source);
      test.it.beat(0);
    }
    expect(test.posted).toHaveLength(1);
    test.it.dirty.push({ channels: { row: [7] }, slot: 0, row: 8 } as unknown as Pulses['dirty'][number]);
    test.it.beat(0);
    expect(test.posted).toMatchObject([{ updates: Int32Array.of(1) }, { updates: Int32Array.of(1) }]);
    test.it.stop();
  });

  it('hold the IOCs back when the thread has no pause, and let them go when it has caught up', async () => {
    const said: boolean[] = [];
    const caughtUp = deferred<void>();
    const test = pulses((behind) => {
      said.push(behind);
      if (!behind) caughtUp.resolve();
    });
    update(test.it, { ioc: 'a', updates: 0 });
    hold(300);
    await caughtUp.promise;
    expect(said).toEqual([true, false]);
    test.it.stop();
  });
});
