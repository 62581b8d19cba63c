import { expect, test } from 'vitest';
import { createLifecycle, Stopping, type Lifecycle, type Service } from './lifecycle.ts';
import { silentLog } from './log.ts';

const names = ['a', 'b', 'c'];

function recorded(faults: { start?: string; stop?: string } = {}) {
  const seen: string[] = [];
  const services: Service[] = names.map((name) => ({
    name,
    start: async () => {
      seen.push(`+${name}`);
      if (faults.start === name) throw new Error(`${name} cannot start`);
    },
    stop: async () => {
      seen.push(`-${name}`);
      if (faults.stop === name) throw new Error(`${name} cannot stop`);
    },
  }));
  const lifecycle = createLifecycle(silentLog);
  return { seen, lifecycle, startAll: () => startAll(lifecycle, services) };
}

async function startAll(lifecycle: Lifecycle, services: Service[]): Promise<void> {
  for (const service of services) await lifecycle.run(service);
}

test('parts stop in the opposite order of their start', async () => {
  const { seen, lifecycle, startAll } = recorded();
  await lifecycle.open('first', async () => seen.push('+first'), async () => void seen.push('-first'));
  await startAll();
  await lifecycle.stop();
  expect(seen).toEqual(['+first', '+a', '+b', '+c', '-c', '-b', '-a', '-first']);
});

test.each(names)('a start that fails at %s stops what had started, itself included', async (failing) => {
  const { seen, startAll } = recorded({ start: failing });
  await expect(startAll()).rejects.toThrow(`${failing} cannot start`);
  const started = seen.filter((step) => step.startsWith('+')).map((step) => step.slice(1));
  const stopped = seen.filter((step) => step.startsWith('-')).map((step) => step.slice(1));
  expect(stopped).toEqual(started.reverse());
});

test.each(names)('a stop that fails at %s does not keep the others from stopping', async (failing) => {
  const { seen, lifecycle, startAll } = recorded({ stop: failing });
  await startAll();
  await lifecycle.stop();
  expect(seen.slice(3)).toEqual(['-c', '-b', '-a']);
});

test('stopping twice stops once', async () => {
  const { seen, lifecycle, startAll } = recorded();
  await startAll();
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(seen.filter((step) => step.startsWith('-'))).toHaveLength(3);
});

test('a stop while a part starts waits for it, stops it, and nothing starts any more', async () => {
  const seen: string[] = [];
  const lifecycle = createLifecycle(silentLog);
  const gate = Promise.withResolvers<void>();
  const opening = lifecycle.open('slow', () => gate.promise, async () => void seen.push('-slow'));
  const stopped = lifecycle.stop();
  await expect(lifecycle.open('late', async () => seen.push('+late'), async () => {})).rejects.toThrow(Stopping);
  gate.resolve();
  await Promise.all([opening, stopped]);
  expect(seen).toEqual(['-slow']);
});

test('of parts started side by side, the failing one waits for the others and stops them', async () => {
  const seen: string[] = [];
  const lifecycle = createLifecycle(silentLog);
  const gate = Promise.withResolvers<void>();
  const slow = lifecycle.open('slow', () => gate.promise, async () => void seen.push('-slow'));
  const failing = lifecycle.open('failing', () => Promise.reject(new Error('no')), async () => void seen.push('-failing'));
  gate.resolve();
  await expect(failing).rejects.toThrow('no');
  await slow;
  expect(seen).toEqual(['-slow']);
});
