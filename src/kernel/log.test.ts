import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, temporaryFolder } from '../../testing/harness/index.ts';
import { createLog } from './log.ts';

test('a log says what its level asks for and no more, with its facts', async () => {
  using folder = temporaryFolder('log');
  const file = join(folder.path, 'log');
  const log = createLog({ level: 'warn', pretty: false, file }).child({ part: 'test' });
  log.debug({}, 'a detail');
  log.info({}, 'a fact');
  log.warn({ ioc: 'a:5064' }, 'a worry');
  log.error({}, 'a fault');
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
  await eventually(() => lines().at(-1)?.includes('a fault'), { saying: 'the last line' });
  expect(lines().map((line) => JSON.parse(line) as object)).toMatchObject([{ msg: 'a worry', part: 'test', ioc: 'a:5064' }, { msg: 'a fault' }]);
});
