import { expect, test } from 'vitest';
import { createLifecycle, type Service } from './lifecycle.ts';
import { silentLog } from './log.ts';

function recorded(names: string[], faults: { start?: string; stop?: string } = {}) {
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
  return { seen, services };
}

test('services start in order and stop in the opposite one', async () => {
  const { seen, services } = recorded(['a', 'b', 'c']);
  const lifecycle = createLifecycle(services, silentLog);
  await lifecycle.start();
  await lifecycle.stop();
  expect(seen).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
});

for (const failing of ['a', 'b', 'c']) {
  test(`a start that fails at ${failing} stops what had started, itself included`, async () => {
    const { seen, services } = recorded(['a', 'b', 'c'], { start: failing });
    await expect(createLifecycle(services, silentLog).start()).rejects.toThrow(`${failing} cannot start`);
    const started = seen.filter((step) => step.startsWith('+')).map((step) => step.slice(1));
    const stopped = seen.filter((step) => step.startsWith('-')).map((step) => step.slice(1));
    expect(stopped).toEqual(started.reverse());
  });
  test(`a stop that fails at ${failing} does not keep the others from stopping`, async () => {
    const { seen, services } = recorded(['a', 'b', 'c'], { stop: failing });
    const lifecycle = createLifecycle(services, silentLog);
    await lifecycle.start();
    await lifecycle.stop();
    expect(seen.slice(3)).toEqual(['-c', '-b', '-a']);
  });
}

test('start and stop are idempotent', async () => {
  const { seen, services } = recorded(['a']);
  const lifecycle = createLifecycle(services, silentLog);
  await Promise.all([lifecycle.start(), lifecycle.start()]);
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(seen).toEqual(['+a', '-a']);
});
