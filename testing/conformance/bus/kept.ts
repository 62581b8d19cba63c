import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from '../../../src/bus/port.ts';
import { streams, subjects } from '../../../src/contracts/subjects.ts';
import { bytes, seen, text, type BusServer } from './bus-server.ts';

export function kept(start: () => Promise<BusServer>): void {
  describe('kept messages', () => {
    let server: BusServer;
    let a: Bus;
    let b: Bus;
    beforeAll(async () => {
      server = await start();
      [a, b] = await Promise.all([server.connect('a'), server.connect('b')]);
    });
    afterAll(async () => {
      await Promise.all([a.close(), b.close()]);
      await server[Symbol.asyncDispose]();
    });
    const consumer = (host: string, options: { ackWaitMs?: number; concurrency?: number } = {}) => ({ name: host, filter: subjects.work(host, 'read'), ackWaitMs: options.ackWaitMs ?? 5_000, concurrency: options.concurrency ?? 4 });

    test('R2: a message stored again under its id is the same message', async () => {
      const subject = subjects.restoreLog('dedupe', 1);
      const first = await a.store(subject, bytes('one'), { id: 'dedupe/1' });
      const again = await b.store(subject, bytes('one'), { id: 'dedupe/1' });
      await a.store(subject, bytes('two'));
      await a.store(subject, bytes('two'));
      expect(again.sequence).toBe(first.sequence);
      expect((await a.readLog(streams.restoreLog, subject)).map((message) => text(message.body))).toEqual(['one', 'two', 'two']);
    });

    test('R2: of two that store after the same message, one is told that it was overtaken', async () => {
      const subject = subjects.restoreLog('fence', 1);
      const first = await a.store(subject, bytes('one'), { after: 0 });
      await expect(b.store(subject, bytes('other'), { after: 0 })).rejects.toMatchObject({ code: 'conflict' });
      const second = await b.store(subject, bytes('two'), { after: first.sequence, id: 'fence/two' });
      // The same again under its id is no conflict: its answer may have been lost.
      expect(await b.store(subject, bytes('two'), { after: first.sequence, id: 'fence/two' })).toEqual(second);
      expect((await a.readLog(streams.restoreLog, subject)).map((message) => text(message.body))).toEqual(['one', 'two']);
    });

    test('storing where no stream listens is unavailable, by name', async () => {
      await expect(a.store('no.stream.here', bytes('x'))).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('no.stream.here') });
    });

    test('a log is read in order, and is empty when nothing was stored', async () => {
      const job = randomUUID();
      expect(await a.readLog(streams.restoreLog, subjects.restoreLog(job, '*'))).toEqual([]);
      for (let i = 0; i < 25; i++) await a.store(subjects.restoreLog(job, i % 3), bytes(String(i)));
      const log = await b.readLog(streams.restoreLog, subjects.restoreLog(job, '*'));
      expect(log.map((message) => text(message.body))).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
      expect(log.every((message, i) => i === 0 || message.sequence > log[i - 1]!.sequence)).toBe(true);
      expect(log[4]!.subject).toBe(subjects.restoreLog(job, 1));
    });

    test('a log is followed from its beginning to what comes later, and no further after a stop', async () => {
      const job = randomUUID();
      await a.store(subjects.restoreLog(job, 1), bytes('before'));
      const got = seen<string>();
      const subscription = await b.followLog(streams.restoreLog, subjects.restoreLog(job, '*'), (message) => {
        got.push(text(message.body));
        if (text(message.body) === 'before') throw new Error('handler fault, thrown on purpose');
      });
      await got.atLeast(1, 'stored messages');
      await a.store(subjects.restoreLog(job, 2), bytes('after'));
      await a.store(subjects.restoreLog('another-job', 2), bytes('of another job'));
      await a.store(subjects.restoreLog(job, 1), bytes('last'));
      await got.atLeast(3, 'followed messages');
      await subscription.stop();
      await a.store(subjects.restoreLog(job, 1), bytes('after the stop'));
      await b.flush();
      expect(got.all).toEqual(['before', 'after', 'last']);
    });

    test('every work item is handled once, and at most so many at a time', async () => {
      let running = 0;
      let most = 0;
      const got = seen<string>();
      const subscription = await b.work(streams.work, consumer('limited', { concurrency: 3 }), async (item) => {
        most = Math.max(most, ++running);
        await b.flush();
        await b.flush();
        running -= 1;
        got.push(text(item.body));
        expect(item.delivery).toBe(1);
      });
      await Promise.all(Array.from({ length: 40 }, (_, i) => a.store(subjects.work('limited', 'read'), bytes(String(i)))));
      await got.atLeast(40, 'items');
      await subscription.stop();
      expect(new Set(got.all).size).toBe(40);
      expect(got.all.length).toBe(40);
      expect(most).toBe(3);
    });

    test('items stored while nobody works are handled when somebody does', async () => {
      await a.store(subjects.work('later', 'read'), bytes('early'));
      const got = seen<string>();
      const subscription = await b.work(streams.work, consumer('later'), async (item) => got.push(text(item.body)));
      expect(await got.atLeast(1, 'items')).toEqual(['early']);
      await subscription.stop();
    });

    test('an item whose handler throws comes again and says so', async () => {
      const got = seen<number>();
      const subscription = await b.work(streams.work, consumer('failing'), async (item) => {
        got.push(item.delivery);
        if (item.delivery === 1) throw new Error('handler fault, thrown on purpose');
      });
      await a.store(subjects.work('failing', 'read'), bytes('x'));
      expect(await got.atLeast(2, 'deliveries')).toEqual([1, 2]);
      await subscription.stop();
    });

    test('an item that is not acknowledged in time is delivered again, elsewhere', async () => {
      const first = seen<number>();
      const dying = await server.connect('dying');
      await dying.work(streams.work, consumer('dying', { ackWaitMs: 1_000 }), (item) => {
        first.push(item.delivery);
        return new Promise(() => {});
      });
      await a.store(subjects.work('dying', 'read'), bytes('x'));
      await first.atLeast(1, 'first delivery');
      await dying.close();
      const second = seen<number>();
      const subscription = await b.work(streams.work, consumer('dying', { ackWaitMs: 1_000 }), async (item) => second.push(item.delivery));
      expect(await second.atLeast(1, 'second delivery')).toEqual([2]);
      await subscription.stop();
    });

    test('an item that says it is still in work is not delivered again', async () => {
      const got = seen<number>();
      let finish = (): void => {};
      const subscription = await b.work(streams.work, consumer('slow', { ackWaitMs: 500, concurrency: 2 }), async (item) => {
        got.push(item.delivery);
        // Three times the ack wait, telling the server well within it.
        for (let i = 0; i < 10; i++) {
          await new Promise((resume) => setTimeout(resume, 150));
          item.working();
        }
        finish();
      });
      const finished = new Promise<void>((resolve) => (finish = resolve));
      await a.store(subjects.work('slow', 'read'), bytes('x'));
      await finished;
      await b.flush();
      expect(got.all).toEqual([1]);
      await subscription.stop();
    });

    test('a work queue hands nothing to a consumer with another filter', async () => {
      const got = seen<string>();
      const subscription = await b.work(streams.work, consumer('mine'), async (item) => got.push(text(item.body)));
      await a.store(subjects.work('notmine', 'read'), bytes('other'));
      await a.store(subjects.work('mine', 'read'), bytes('mine'));
      expect(await got.atLeast(1, 'items')).toEqual(['mine']);
      await subscription.stop();
    });
  });
}
