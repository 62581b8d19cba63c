import { describe, expect, it } from 'vitest';
import { deferred } from '../../../../testing/deferred.ts';
import { ScriptedIoc, type ScriptedCircuit } from '../../../../testing/wire/index.ts';
import { message, timeDouble } from '../../../../testing/wire/scripted-ioc.ts';
import { ReceiveBuffer } from '../protocol/frames.ts';
import { Circuit, type CircuitRole } from './circuit.ts';
import type { ThreadContext } from './context.ts';
import { type Resting, Rests } from './rests.ts';

const event = message(1, 20, 1, 1, 0, timeDouble(1));

async function connected(rests: Pick<Rests, 'add' | 'addShortly'>, role: Partial<CircuitRole> = {}) {
  const ioc = await ScriptedIoc.start();
  const context = {
    options: { environment: { connectionTimeout: 30 }, echoIdleMs: 30_000, echoTimeoutMs: 10_000 },
    counters: new Float64Array(8), receive: new ReceiveBuffer(), payloadLimit: 10_000_000, rests, user: 'me', host: 'here',
  } as unknown as ThreadContext;
  const up = deferred<void>();
  const circuit = new Circuit(context, '127.0.0.1', Number(ioc.address.split(':')[1]), 0, {
    up: () => up.resolve(), down: () => {}, unresponsive: () => {}, responsive: () => {}, frame: () => {}, settled: () => {}, awaitsAnswer: () => false, ...role,
  });
  await up.promise;
  return {
    circuit, server: ioc.circuits[0]!,
    async [Symbol.asyncDispose]() {
      circuit.discard();
      await ioc[Symbol.asyncDispose]();
    },
  };
}

/** An event every few ms until told to stop. */
function pour(server: ScriptedCircuit): () => void {
  const timer = setInterval(() => server.raw(event), 5);
  return () => clearInterval(timer);
}

/** Circuits that nobody wakes again. */
function asleep() {
  const rested = deferred<Resting>();
  const all: Resting[] = [];
  const add = (circuit: Resting): void => {
    all.push(circuit);
    rested.resolve(circuit);
  };
  return { all, rested: rested.promise, rests: { add, addShortly: add } };
}

describe('a circuit', () => {
  it('rests when events pour in, and a request wakes it: its answer does not wait', async () => {
    const { rests, rested } = asleep();
    await using test = await connected(rests);
    const stop = pour(test.server);
    await rested;
    stop();
    const answered = deferred<boolean>();
    test.circuit.probe((alive) => answered.resolve(alive));
    expect(await answered.promise).toBe(true);
  });

  it('does not rest for a quarter of a second after a request', async () => {
    const { rests, rested } = asleep();
    await using test = await connected(rests);
    const stop = pour(test.server);
    const askedAt = performance.now();
    test.circuit.send(event);
    await rested;
    stop();
    expect(performance.now() - askedAt).toBeGreaterThan(200);
  });

  it('does not rest while a large message is on its way', async () => {
    const { rests, all } = asleep();
    const whole = deferred<number>();
    await using test = await connected(rests, { frame: ({ size }) => whole.resolve(size) });
    const large = Buffer.concat([Buffer.from([0, 1, 0xff, 0xff, 0, 20, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0x60, 0]), Buffer.alloc(0x30000)]);
    const piece = Math.ceil(large.length / 80);
    let sent = 0;
    const timer = setInterval(() => {
      test.server.raw(large.subarray(sent, (sent += piece)));
      if (sent >= large.length) clearInterval(timer);
    }, 5);
    expect(await whole.promise).toBe(0x30000);
    expect(all.length).toBeLessThan(2);
  });

  it('is read at every beat as long as something comes, and rests no more when nothing has come for a while', async () => {
    let beats = 0;
    let rested = 0;
    const poured = deferred<void>();
    const ended = deferred<void>();
    let before = 0;
    const rests = new Rests(() => {
      if (++beats === 3) poured.resolve();
      if (rested === before) ended.resolve();
      before = rested;
    });
    let events = 0;
    await using test = await connected({
      add: (circuit) => {
        rested++;
        rests.add(circuit);
      },
      addShortly: (circuit) => rests.addShortly(circuit),
    }, { frame: () => void events++ });
    const stop = pour(test.server);
    await poured.promise;
    stop();
    await ended.promise;
    expect(events).toBeGreaterThan(3);
  });
});
