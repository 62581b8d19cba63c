import { expect, test } from 'vitest';
import { titleBefore } from './title-before.ts';

test('R3: the title of the values before does not grow with each undoing', () => {
  const first = titleBefore('base');
  const second = titleBefore(first);
  expect([first, second, titleBefore(second)]).toEqual(['before restore of base', 'before undoing the restore of base', 'before restore of base']);
  expect(titleBefore('x'.repeat(255))).toHaveLength(255);
});
