import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pages } from './reference.ts';

test.each(Object.entries(pages))('docs/reference/%s says what the code says', (name, page) => {
  const written = readFileSync(new URL(`../docs/reference/${name}`, import.meta.url), 'utf8');
  expect(written, 'run: node setup/reference.ts').toBe(page());
});
