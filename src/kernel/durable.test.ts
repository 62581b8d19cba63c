import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { runDurable } from './durable.ts';

const machine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'next' } | { type: 'note' } | { type: 'again' }, input: {} as { n: number } },
  actions: { first: () => {}, second: () => {}, last: () => {}, note: () => {} },
}).createMachine({
  context: ({ input }) => ({ n: input.n }),
  initial: 'a',
  states: {
    a: { entry: 'first', on: { next: { target: 'b', actions: assign({ n: ({ context }) => context.n + 1 }) }, note: { actions: 'note' }, again: { target: 'a', reenter: true } } },
    b: { entry: 'second', on: { next: 'c' } },
    c: { type: 'final', entry: 'last' },
  },
});

function recorded() {
  const seen: string[] = [];
  return {
    seen,
    save: async (snapshot: { value: unknown; context: { n: number } }) => void seen.push(`save ${String(snapshot.value)} ${snapshot.context.n}`),
    perform: (effect: string) => void seen.push(effect),
  };
}

test('each state is kept before its effects begin', async () => {
  const { seen, save, perform } = recorded();
  const durable = runDurable({ machine, from: { input: { n: 1 } }, save, perform });
  durable.post({ type: 'next' });
  durable.post({ type: 'next' });
  expect((await durable.ended).value).toBe('c');
  expect(seen).toEqual(['save a 1', 'first', 'save b 2', 'second', 'save c 2', 'last']);
});

test('a state that is taken up again begins its effects again, and none of those before', async () => {
  const { seen, save, perform } = recorded();
  const durable = runDurable({ machine, from: { value: 'b', context: { n: 7 } }, save, perform });
  durable.post({ type: 'next' });
  await durable.ended;
  expect(seen).toEqual(['save b 7', 'second', 'save c 7', 'last']);
});

test('an event that changes nothing is not kept; one that enters the state again is', async () => {
  const { seen, save, perform } = recorded();
  const durable = runDurable({ machine, from: { input: { n: 1 } }, save, perform });
  durable.post({ type: 'again' });
  durable.post({ type: 'next' });
  durable.post({ type: 'note' });
  durable.post({ type: 'next' });
  await durable.ended;
  expect(seen).toEqual(['save a 1', 'first', 'save a 1', 'first', 'save b 2', 'second', 'save c 2', 'last']);
});

test('a state that cannot be kept ends the run, and its effects never begin', async () => {
  const { seen, perform } = recorded();
  let saves = 0;
  const durable = runDurable({ machine, from: { input: { n: 1 } }, save: async () => { if (++saves === 2) throw new Error('fenced'); }, perform });
  durable.post({ type: 'next' });
  await expect(durable.ended).rejects.toThrow('fenced');
  expect(seen).toEqual(['first']);
});

test('a halt ends the run with its reason, and nothing more is done', async () => {
  const { seen, save, perform } = recorded();
  const durable = runDurable({ machine, from: { input: { n: 1 } }, save, perform });
  durable.halt(new Error('this process stops'));
  durable.post({ type: 'next' });
  await expect(durable.ended).rejects.toThrow('this process stops');
  expect(seen).toEqual(['save a 1']);
});

test('effects that only read begin while their state is being kept, and what comes of them waits until it is', async () => {
  const { seen, save, perform } = recorded();
  let keep = (): void => {};
  const kept = new Promise<void>((resolve) => (keep = resolve));
  const durable = runDurable({
    machine, from: { input: { n: 1 } }, readsOnly: ['a'],
    save: async (snapshot) => {
      if (snapshot.value === 'a') await kept;
      await save(snapshot);
    },
    perform,
  });
  durable.post({ type: 'next' });
  durable.post({ type: 'next' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(['first']);
  keep();
  await durable.ended;
  expect(seen).toEqual(['first', 'save a 1', 'save b 2', 'second', 'save c 2', 'last']);
});

test('a run whose first state cannot be kept ends, though its reading had begun', async () => {
  const { seen, perform } = recorded();
  const durable = runDurable({ machine, from: { input: { n: 1 } }, readsOnly: ['a'], save: () => Promise.reject(new Error('fenced')), perform });
  durable.post({ type: 'next' });
  await expect(durable.ended).rejects.toThrow('fenced');
  expect(seen).toEqual(['first']);
});
