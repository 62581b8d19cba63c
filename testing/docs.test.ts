/** What the documentation says about tests is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const project = join(import.meta.dirname, '..');

/** Where a file that the page names may be. */
const places = (named: string): string[] => [`src/gateway/${named}.test.ts`, `src/${named}.test.ts`, `${named}.test.ts`, `testing/${named}.ts`];

/** The line of a test whose title begins so. */
const lineOf = (source: string, title: string): string | undefined =>
  source.split('\n').find((line) => [`('${title.replaceAll("'", "\\'")}`, `("${title}`, `(\`${title}`].some((beginning) => line.includes(beginning)));

test('every test that docs/squirrel.md names for something better is there, in the file named, under that name, and runs', () => {
  const page = readFileSync(join(project, 'docs/squirrel.md'), 'utf8');
  const rows = page.slice(page.indexOf('## What is better')).split('\n').filter((line) => line.startsWith('| ') && !line.endsWith('| test |'));
  expect(rows.length).toBeGreaterThan(60);
  const better = rows.map((row) => row.split(' | ')[0]);
  expect(new Set(better).size, 'an item stands there twice').toBe(better.length);
  for (const row of rows) {
    const cell = row.slice(row.indexOf(' | ') + 3, -2);
    const files = cell.split(/; (?=[\w/.-]+: \*)/).map((part) => /^([\w/.-]+): (\*[^*]+\*(?:, \*[^*]+\*)*)$/.exec(part));
    expect(files, `not of the form "file: *test*, *test*; file: *test*": ${cell}`).not.toContain(null);
    for (const [, named, tests] of files as RegExpExecArray[]) {
      const file = places(named!).find((path) => existsSync(join(project, path)));
      expect(file, `no file is called ${named} (${row})`).toBeDefined();
      const source = readFileSync(join(project, file!), 'utf8');
      expect(source, `${file} leaves tests out`).not.toMatch(/describe\.(skip|todo|only)/);
      for (const [, title] of tests!.matchAll(/\*([^*]+)\*/g)) {
        const line = lineOf(source, title!);
        expect(line, `no test in ${file} begins with "${title}"`).toBeDefined();
        expect(line, `not a test that runs: ${title}`).toMatch(/^\s*((test|it)(\.each|\.runIf)?\b|\])/);
        expect(line).not.toMatch(/\.(skip|todo|fails|only)\b/);
      }
    }
  }
});
