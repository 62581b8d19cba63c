import { expect, it } from 'vitest';
import { deferred } from '../../../../testing/deferred.ts';
import { Rests } from './rests.ts';

it('wakes all circuits at one beat, lets them be read, and then tells', async () => {
  const told: string[] = [];
  const done = deferred<void>();
  const rests = new Rests(() => {
    told.push('beat');
    done.resolve();
  });
  const circuit = (name: string) => ({
    wake: () => {
      told.push(`wake ${name}`);
      setImmediate(() => told.push(`read ${name}`));
    },
    settle: () => void told.push(`settle ${name}`),
  });
  rests.add(circuit('a'));
  rests.add(circuit('b'));
  await done.promise;
  expect(told).toEqual(['wake a', 'wake b', 'read a', 'read b', 'settle a', 'settle b', 'beat']);
});

it('wakes one that has much to say sooner, and without a beat', async () => {
  const told: string[] = [];
  const done = deferred<void>();
  const rests = new Rests(() => done.resolve());
  rests.add({ wake: () => void told.push('at the beat'), settle: () => undefined });
  rests.addShortly({ wake: () => void told.push('soon'), settle: () => undefined });
  await done.promise;
  expect(told).toEqual(['soon', 'at the beat']);
});
