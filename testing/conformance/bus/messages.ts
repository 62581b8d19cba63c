import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from '../../../src/bus/port.ts';
import { DreyError } from '../../../src/contracts/errors.ts';
import { bytes, seen, text, type BusServer } from './bus-server.ts';

export function messages(start: () => Promise<BusServer>): void {
  describe('messages', () => {
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

    test('what is published reaches a subscriber, wildcards included, until it stops', async () => {
      const got = seen<string>();
      const subscription = b.subscribe('test.pub.*', (message) => got.push(`${message.subject}=${text(message.body)}`));
      await b.flush();
      a.publish('test.pub.x', bytes('1'));
      a.publish('test.other', bytes('no'));
      a.publish('test.pub.y', bytes('2'));
      await got.atLeast(2, 'messages');
      await subscription.stop();
      await b.flush();
      a.publish('test.pub.z', bytes('3'));
      await a.flush();
      await b.flush();
      expect(got.all).toEqual(['test.pub.x=1', 'test.pub.y=2']);
    });

    test('of a queue group one member gets each message', async () => {
      const got = seen<string>();
      const subscriptions = [a, b].flatMap((bus) => [bus.subscribe('test.queue', (m) => got.push(text(m.body)), { queue: 'q' }), bus.subscribe('test.queue', (m) => got.push(text(m.body)), { queue: 'q' })]);
      await Promise.all([a.flush(), b.flush()]);
      for (let i = 0; i < 50; i++) a.publish('test.queue', bytes(String(i)));
      await got.atLeast(50, 'messages');
      await Promise.all([a.flush(), b.flush()]);
      expect([...got.all].sort((x, y) => Number(x) - Number(y))).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    });

    test('a handler that throws does not stop the next message', async () => {
      const got = seen<string>();
      const subscription = b.subscribe('test.throws', (message) => {
        if (text(message.body) === 'bad') throw new Error('handler fault, thrown on purpose');
        got.push(text(message.body));
      });
      await b.flush();
      a.publish('test.throws', bytes('bad'));
      a.publish('test.throws', bytes('good'));
      expect(await got.atLeast(1, 'messages')).toEqual(['good']);
      await subscription.stop();
    });

    test('a request is answered', async () => {
      const subscription = b.answer('test.echo', async (body, subject) => bytes(`${subject}: ${text(body)}`));
      await b.flush();
      expect(text(await a.request('test.echo', bytes('hello'), 2_000))).toBe('test.echo: hello');
      await subscription.stop();
    });

    test('a request nobody hears fails at once as unavailable', async () => {
      const began = performance.now();
      await expect(a.request('test.nobody', bytes(''), 5_000)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('test.nobody') });
      expect(performance.now() - began).toBeLessThan(2_000);
    });

    test('a request whose answerer is silent fails as a timeout', async () => {
      const subscription = b.answer('test.silent', async () => undefined);
      await b.flush();
      await expect(a.request('test.silent', bytes(''), 150)).rejects.toMatchObject({ code: 'timeout' });
      await subscription.stop();
    });

    test('what the answerer throws reaches who asked, code and faults included', async () => {
      const subscription = b.answer('test.refuse', async (body) => {
        if (text(body) === 'known') throw new DreyError('notFound', 'no PV "Ä\nB"', { faults: ['one', 'two'] });
        throw new Error('unknown fault, thrown on purpose');
      });
      await b.flush();
      await expect(a.request('test.refuse', bytes('known'), 2_000)).rejects.toMatchObject({ code: 'notFound', message: 'no PV "Ä\nB"', faults: ['one', 'two'] });
      await expect(a.request('test.refuse', bytes('?'), 2_000)).rejects.toMatchObject({ code: 'internal' });
      await subscription.stop();
    });

    test('many answers are gathered, up to the number expected', async () => {
      const subscriptions = [a, b].map((bus, i) => bus.answer('test.many', async () => bytes(String(i))));
      await Promise.all([a.flush(), b.flush()]);
      const began = performance.now();
      expect((await a.requestMany('test.many', bytes(''), { expect: 2, timeoutMs: 5_000 })).map(text).sort()).toEqual(['0', '1']);
      expect(performance.now() - began).toBeLessThan(2_000);
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    });

    test('fewer answers than expected come at the timeout, and none at once when nobody listens', async () => {
      const subscription = b.answer('test.few', async () => bytes('1'));
      await b.flush();
      expect((await a.requestMany('test.few', bytes(''), { expect: 3, timeoutMs: 150 })).map(text)).toEqual(['1']);
      await subscription.stop();
      await b.flush();
      const began = performance.now();
      expect(await a.requestMany('test.few', bytes(''), { expect: 3, timeoutMs: 5_000 })).toEqual([]);
      expect(performance.now() - began).toBeLessThan(2_000);
    });

    test('an inbox is heard by this connection', async () => {
      const inbox = a.inbox();
      expect(a.inbox()).not.toBe(inbox);
      const got = seen<string>();
      const subscription = a.subscribe(inbox, (message) => got.push(text(message.body)));
      await a.flush();
      b.publish(inbox, bytes('hi'));
      expect(await got.atLeast(1, 'messages')).toEqual(['hi']);
      await subscription.stop();
    });

    test('a service is discoverable, counts its requests and passes on refusals', async () => {
      const subscription = await b.serve({ name: 'drey-test', version: '1.2.3', description: 'a test' }, {
        'things.list': async (body) => bytes(`list ${text(body)}`),
        'things.refuse': async () => { throw new DreyError('badInput', 'not like this'); },
      });
      await b.flush();
      expect(text(await a.request('drey.v1.api.things.list', bytes('x'), 2_000))).toBe('list x');
      await expect(a.request('drey.v1.api.things.refuse', bytes('x'), 2_000)).rejects.toMatchObject({ code: 'badInput', message: 'not like this' });
      const info = JSON.parse(text(await a.request('$SRV.INFO.drey-test', bytes(''), 2_000))) as { version: string; endpoints: { subject: string }[] };
      expect(info.version).toBe('1.2.3');
      expect(info.endpoints.map((endpoint) => endpoint.subject)).toEqual(['drey.v1.api.things.list', 'drey.v1.api.things.refuse']);
      const stats = JSON.parse(text(await a.request('$SRV.STATS.drey-test', bytes(''), 2_000))) as { endpoints: { num_requests: number }[] };
      expect(stats.endpoints[0]!.num_requests).toBe(1);
      await subscription.stop();
    });

    test('D1: a message that is too large is refused by name before it is sent, and the connection lives', async () => {
      const large = new Uint8Array(a.maxPayload + 1);
      expect(() => a.publish('test.large', large)).toThrow(expect.objectContaining({ code: 'tooLarge', message: expect.stringMatching(new RegExp(`${large.length} bytes to test\\.large.*at most ${a.maxPayload}`)) }));
      await expect(a.request('test.large', large, 1_000)).rejects.toMatchObject({ code: 'tooLarge' });
      await expect(a.store('drey.v1.work.large.read', large)).rejects.toMatchObject({ code: 'tooLarge' });
      const subscription = b.answer('test.large', async (body) => (body.length === 0 ? large : bytes(String(body.length))));
      await b.flush();
      await expect(a.request('test.large', bytes(''), 2_000)).rejects.toMatchObject({ code: 'tooLarge' });
      expect(text(await a.request('test.large', new Uint8Array(a.maxPayload), 5_000))).toBe(String(a.maxPayload));
      await subscription.stop();
      expect(a.state).toBe('connected');
    });

    test('a subject that cannot be is badInput', () => {
      expect(() => a.publish('test with blank', bytes(''))).toThrow(expect.objectContaining({ code: 'badInput' }));
    });
  });
}
