import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT, temporaryFolder } from './run-folder.ts';

const LEAKY = `
import { spawn } from 'node:child_process';
import { test } from 'vitest';
test('leaves a process behind', () => { spawn('sleep', ['61'], { stdio: 'ignore', detached: true }).unref(); });
`;
const TIDY = LEAKY.replace('unref()', 'kill()');

test('a test file that leaves a process behind fails, with its command line', () => {
  const { code, said } = runVitest(LEAKY);
  expect(said).toContain('this test file left processes behind');
  expect(said).toMatch(/\d+ \(sleep 61\)/);
  expect(code).toBe(1);
});

test('a test file that gives back what it took passes', () => {
  expect(runVitest(TIDY).code).toBe(0);
});

/** A run of its own on one file, with the check of the real runs. */
function runVitest(file: string): { code: number | null; said: string } {
  using folder = temporaryFolder('leaks');
  symlinkSync(join(PROJECT, 'node_modules'), join(folder.path, 'node_modules'));
  writeFileSync(join(folder.path, 'one.test.ts'), file);
  writeFileSync(join(folder.path, 'vitest.config.mjs'), `export default { test: { pool: 'forks', setupFiles: [${JSON.stringify(join(PROJECT, 'testing', 'harness', 'leaks.ts'))}] } };\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROJECT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--root', folder.path], {
    encoding: 'utf8', env: { PATH: process.env.PATH },
  });
  return { code: status, said: `${stdout}${stderr}` };
}
