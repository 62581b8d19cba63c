/** What the documentation says about tests is there. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const project = join(import.meta.dirname, '..');

test('every test that docs/squirrel.md names for something better exists', () => {
  const page = readFileSync(join(project, 'docs/squirrel.md'), 'utf8');
  const rows = page.slice(page.indexOf('## What is better')).split('\n').filter((line) => line.startsWith('| ')).slice(1);
  const sources = globSync(['src/**/*.test.ts', 'testing/**/*.test.ts'], { cwd: project }).map((file) => readFileSync(join(project, file), 'utf8'));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const named = [...row.matchAll(/\*([^*]+)\*/g)].map(([, name]) => name!);
    expect(named, `no test in: ${row}`).not.toHaveLength(0);
    for (const name of named) expect(sources.some((source) => source.includes(name)), `no test is called "${name}…"`).toBe(true);
  }
});
