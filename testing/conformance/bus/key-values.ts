import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from '../../../src/bus/port.ts';
import { buckets } from '../../../src/contracts/subjects.ts';
import { bytes, seen, text, type BusServer } from './bus-server.ts';

export function keyValues(start: () => Promise<BusServer>): void {
  describe('key-value buckets', () => {
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

    test('a key is created once, read, changed by compare-and-set, deleted and created again', async () => {
      const [jobs, others] = await Promise.all([a.keyValue(buckets.jobs), b.keyValue(buckets.jobs)]);
      expect(await jobs.get('life')).toBeUndefined();
      const first = await jobs.create('life', bytes('1'));
      await expect(others.create('life', bytes('x'))).rejects.toMatchObject({ code: 'conflict' });
      const second = await others.update('life', bytes('2'), first);
      await expect(jobs.update('life', bytes('x'), first)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('life') });
      expect(await jobs.get('life').then((entry) => [text(entry!.value), entry!.revision])).toEqual(['2', second]);
      expect(await jobs.put('life', bytes('3'))).toBeGreaterThan(second);
      await jobs.delete('life');
      expect(await others.get('life')).toBeUndefined();
      expect(await jobs.keys()).not.toContain('life');
      await others.create('life', bytes('4'));
      expect(await jobs.keys()).toContain('life');
    });

    test('of many compare-and-sets at once exactly one wins', async () => {
      const jobs = await a.keyValue(buckets.jobs);
      const revision = await jobs.create('race', bytes('0'));
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => jobs.update('race', bytes(String(i + 1)), revision)));
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).toBe(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    });

    test('a watch tells what stands, that it is all, and every change after', async () => {
      const hosts = await a.keyValue(buckets.hosts);
      await hosts.put('w1', bytes('1'));
      await hosts.put('w2', bytes('2'));
      const got = seen<string>();
      const subscription = await (await b.keyValue(buckets.hosts)).watch({
        entry: (key, value) => got.push(`${key}=${value === undefined ? '' : text(value)}`),
        ready: () => got.push('ready'),
      });
      await got.atLeast(3, 'first entries');
      expect(got.all.slice(0, 3)).toEqual(['w1=1', 'w2=2', 'ready']);
      await hosts.put('w1', bytes('1b'));
      await hosts.delete('w2');
      await got.atLeast(5, 'changes');
      expect(got.all.slice(3, 5)).toEqual(['w1=1b', 'w2=']);
      await subscription.stop();
      await hosts.put('w1', bytes('1c'));
      await b.flush();
      expect(got.all.slice(5)).toEqual([]);
    });

    test('a watch of an empty bucket is ready at once', async () => {
      await using empty = await start();
      const bus = await empty.connect();
      const got = seen<string>();
      const subscription = await (await bus.keyValue(buckets.jobs)).watch({ entry: (key) => got.push(key), ready: () => got.push('ready') });
      expect(await got.atLeast(1, 'signs')).toEqual(['ready']);
      await subscription.stop();
      await bus.close();
    });

    test('a watch tells of a key that was not renewed within the life of its bucket', async () => {
      const hosts = await a.keyValue(buckets.hosts);
      const got = seen<string>();
      const subscription = await (await b.keyValue(buckets.hosts)).watch({
        entry: (key, value) => key.startsWith('ttl') && got.push(`${key}=${value === undefined ? '' : text(value)}`),
        ready: () => {},
      });
      await hosts.put('ttl-dies', bytes('1'));
      await hosts.put('ttl-lives', bytes('1'));
      const renewing = setInterval(() => void hosts.put('ttl-lives', bytes('1')), 2_000);
      try {
        const all = await got.atLeast(7, 'signs', 20_000);
        expect(all.filter((sign) => sign.endsWith('='))).toEqual(['ttl-dies=']);
        expect(await hosts.get('ttl-dies')).toBeUndefined();
      } finally {
        clearInterval(renewing);
        await subscription.stop();
      }
    });

    test('D1: a bucket that does not exist and a key that cannot be are named', async () => {
      await expect(a.keyValue('no-such-bucket')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('no-such-bucket') });
      await expect((await a.keyValue(buckets.jobs)).put('a b*', bytes(''))).rejects.toMatchObject({ code: 'badInput', message: expect.stringContaining('"a b*"') });
    });
  });
}
