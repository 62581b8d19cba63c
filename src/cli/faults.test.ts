import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, startGateway, storeSnapshot, type CommandAnswer, type GatewayForTest } from '../../testing/gateway/index.ts';
import { temporaryFolder } from '../../testing/harness/run-folder.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs/multi', [{ setpointAddress: 'Q:1', tagNames: { Area: ['L1', 'L2'] } }, { setpointAddress: 'Q:2' }]);
  await storeSnapshot(gateway.persistence, 'base', { 'Q:1': { num: 1 }, 'Q:2': { num: 2 } });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());
const drey = (...args: string[]): Promise<CommandAnswer> => runCommand(gateway, ...args);

test('a file that cannot be written is told with its reason, ends with 2, and leaves nothing half written', async () => {
  using folder = temporaryFolder('written');
  const nowhere = join(folder.path, 'no', 'x');
  const said = { code: 2, stderr: `drey: ${nowhere} cannot be written: ENOENT: no such file or directory, open '${nowhere}'\n` };
  expect(await drey('snapshot', 'export', 'base', '-o', nowhere)).toMatchObject(said);
  expect(await drey('pv', 'export', '-o', nowhere)).toMatchObject(said);
  expect(await drey('snapshot', 'export', 'base', '-o', folder.path)).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') });
  expect(await drey('snapshot', 'export', 'base', '-o', join(folder.path, 'base.ndjson'))).toMatchObject({ code: 0 });
  expect(readdirSync(folder.path)).toEqual(['base.ndjson']);
}, 60_000);

test('what the gateway refuses is told once, in words of the command line', async () => {
  using folder = temporaryFolder('refused');
  const file = join(folder.path, 'one.sav');
  writeFileSync(file, 'NO:SUCH 1\n<END>\n');
  const { code, stderr } = await drey('snapshot', 'import', file, '--format', 'sav');
  expect(code).toBe(2);
  expect(stderr).toContain('or let --create make entries');
  writeFileSync(file, 'nothing known\n');
  expect((await drey('snapshot', 'import', file)).stderr).toMatch(/say which it is with --format ndjson\|/);
  const tagged = await drey('snapshot', 'diff', 'base', '--tag', 'NoSuchTag');
  expect(tagged.code).toBe(2);
  expect(tagged.stderr.split('\n')).toEqual([expect.stringMatching(/there is no tag "NoSuchTag".*; `drey tag list` shows the groups/), '']);
  expect((await drey('tag', 'list')).stdout).toMatch(/^GROUP +TAGS *\nArea +L1, L2 *\n$/);
}, 60_000);

test('a key that is unknown, or has not the scope, did nothing: exit code 2', async () => {
  const by = (admin: string, ...args: string[]): Promise<CommandAnswer> => runCommand({ url: gateway.url, admin }, ...args);
  expect(await by('no-such-key', 'snapshot', 'list')).toMatchObject({ code: 2 });
  expect(await by(await gateway.keyWith('read'), 'snapshot', 'take', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('snapshot') });
}, 60_000);

test('what cannot be read now is told apart from what has changed, and is no good news', async () => {
  await storeSnapshot(gateway.persistence, 'half', { 'Q:1': { num: 5 } });
  const said = async (...args: string[]): Promise<string> => (await drey('snapshot', 'diff', ...args)).stdout.trimEnd().split('\n').at(-1)!;
  expect(await said('base', 'half')).toBe('1 channel differs, 0 the same, 1 without a value in B');
  expect(await said('half', 'base')).toBe('1 channel differs, 0 the same, 1 without a value in A');
  // No ioc-host is there.
  const live = await drey('snapshot', 'diff', 'base');
  expect(live).toMatchObject({ code: 3, stdout: expect.stringContaining('0 channels differ, 0 the same, 2 not readable now') });
}, 60_000);
