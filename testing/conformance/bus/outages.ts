import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../src/bus/port.ts';
import { buckets, streams, subjects } from '../../../src/contracts/subjects.ts';
import { eventually, eventuallyEqual } from '../../harness/index.ts';
import { bytes, seen, text, type BusServer } from './bus-server.ts';

export function outages(start: () => Promise<BusServer>): void {
  describe('outages', () => {
    let server: BusServer;
    let bus: Bus;
    beforeEach(async () => {
      server = await start();
      bus = await server.connect();
    });
    afterEach(async () => {
      await bus.close();
      await server[Symbol.asyncDispose]();
    });
    const stateIs = (state: string, of = bus) => eventuallyEqual(() => of.state, state, { saying: 'the state of the bus', withinMs: 15_000 });

    test('states are told, and everything asked while the server is away fails as unavailable', async () => {
      const states: string[] = [];
      bus.onState((state) => states.push(state));
      const jobs = await bus.keyValue(buckets.jobs);
      await server.kill();
      await stateIs('disconnected');
      expect(() => bus.publish('test.x', bytes(''))).toThrow(expect.objectContaining({ code: 'unavailable' }));
      await expect(bus.request('test.x', bytes(''), 1_000)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(bus.requestMany('test.x', bytes(''), { expect: 1, timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'unavailable' });
      await expect(bus.store(subjects.work('x', 'read'), bytes(''))).rejects.toMatchObject({ code: 'unavailable' });
      await expect(bus.readLog(streams.restoreLog, subjects.allRestoreLogs)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(jobs.get('x')).rejects.toMatchObject({ code: 'unavailable' });
      await expect(bus.flush()).rejects.toMatchObject({ code: 'unavailable' });
      await server.revive();
      await stateIs('connected');
      expect(await jobs.get('x')).toBeUndefined();
      await bus.close();
      expect(states).toEqual(['disconnected', 'connected', 'closed']);
    });

    test('J1: nothing that was confirmed is lost when the server is killed', async () => {
      const jobs = await bus.keyValue(buckets.jobs);
      await jobs.create('kept', bytes('1'));
      await bus.store(subjects.restoreLog('kept', 1), bytes('logged'));
      await bus.store(subjects.work('kept', 'read'), bytes('to do'));
      await server.kill();
      await server.revive();
      await stateIs('connected');
      expect(text((await jobs.get('kept'))!.value)).toBe('1');
      expect((await bus.readLog(streams.restoreLog, subjects.restoreLog('kept', 1))).map((message) => text(message.body))).toEqual(['logged']);
      const got = seen<string>();
      await bus.work(streams.work, { name: 'kept', filter: subjects.work('kept', 'read'), ackWaitMs: 5_000, concurrency: 1 }, async (item) => got.push(text(item.body)));
      expect(await got.atLeast(1, 'items')).toEqual(['to do']);
    });

    test('subscriptions, answers, work, logs and watches come back by themselves, and repeat nothing', async () => {
      const other = await server.connect('other');
      const heard = seen<string>();
      const worked = seen<string>();
      const logged = seen<string>();
      const watched = seen<string>();
      bus.subscribe('test.back', (message) => heard.push(text(message.body)));
      bus.answer('test.back.ask', async (body) => body);
      await bus.work(streams.work, { name: 'back', filter: subjects.work('back', 'read'), ackWaitMs: 5_000, concurrency: 2 }, async (item) => worked.push(text(item.body)));
      await bus.followLog(streams.restoreLog, subjects.restoreLog('back', '*'), (message) => logged.push(text(message.body)));
      const watching = await bus.keyValue(buckets.jobs);
      await watching.watch({ entry: (key, value) => watched.push(`${key}=${value === undefined ? '' : text(value)}`), ready: () => watched.push('ready') });
      const jobs = await other.keyValue(buckets.jobs);
      const round = async (n: string): Promise<void> => {
        await eventually(() => other.request('test.back.ask', bytes('?'), 500).catch(() => undefined), { saying: 'the answerer to be back', withinMs: 15_000 });
        other.publish('test.back', bytes(n));
        await other.store(subjects.work('back', 'read'), bytes(n));
        await other.store(subjects.restoreLog('back', 1), bytes(n));
        await jobs.put('job', bytes(n));
      };
      await jobs.put('gone', bytes('x'));
      await round('1');
      await Promise.all([heard.atLeast(1, 'messages'), worked.atLeast(1, 'items'), logged.atLeast(1, 'log entries'), watched.atLeast(3, 'watch signs')]);
      await server.kill();
      await Promise.all([stateIs('disconnected'), stateIs('disconnected', other)]);
      await server.revive();
      await stateIs('connected', other);
      // Changed before `bus` may be back: a watch that is opened again must notice what it missed.
      await jobs.delete('gone');
      await round('2');
      await Promise.all([heard.atLeast(2, 'messages'), worked.atLeast(2, 'items', 20_000), logged.atLeast(2, 'log entries', 20_000), watched.atLeast(5, 'watch signs', 20_000)]);
      expect(heard.all).toEqual(['1', '2']);
      expect(worked.all).toEqual(['1', '2']);
      expect(logged.all).toEqual(['1', '2']);
      expect([...watched.all].sort()).toEqual(['gone=', 'gone=x', 'job=1', 'job=2', 'ready'].sort());
      await other.close();
    });

    test('a work item in hand when the server is killed is finished, once', async () => {
      const got = seen<number>();
      let finish = (): void => {};
      await bus.work(streams.work, { name: 'inhand', filter: subjects.work('inhand', 'read'), ackWaitMs: 1_500, concurrency: 1 }, async (item) => {
        got.push(item.delivery);
        if (item.delivery === 1) await new Promise<void>((resolve) => (finish = resolve));
      });
      await bus.store(subjects.work('inhand', 'read'), bytes('x'));
      await got.atLeast(1, 'deliveries');
      await server.kill();
      await stateIs('disconnected');
      finish();
      await server.revive();
      // Its acknowledgement was lost with the connection: it comes again, and says that it is the second time.
      expect(await got.atLeast(2, 'deliveries', 20_000)).toEqual([1, 2]);
    });
  });
}
