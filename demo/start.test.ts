import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, temporaryFolder } from '../testing/harness/index.ts';
import { softIocProgram } from '../testing/harness/run-folder.ts';
import { startDemo, type Demo } from './start.ts';

const folder = temporaryFolder('demo');
const said: string[] = [];
let demo: Demo;

beforeAll(async () => {
  const { command } = await softIocProgram();
  demo = await startDemo({ runSoftIoc: command, folder: folder.path, say: (line) => said.push(line) });
}, 60_000);

afterAll(async () => {
  await demo?.stop();
  folder[Symbol.dispose]();
});

it('loads its databases without a complaint from any IOC', () => {
  for (const ioc of demo.iocs) {
    const lines = ioc.running?.process.lastLines() ?? [];
    expect(lines.some((line) => line.includes('IOC Running') || line.includes('iocRun')), ioc.name).toBe(true);
    expect(lines.filter((line) => /error|warn|fail|can't|illegal|bad /i.test(line)), ioc.name).toEqual([]);
  }
});

it('brings an IOC that was killed back on its port, and says so', async () => {
  const victim = demo.iocs[1]!;
  const before = victim.running!;
  const back = victim.restarted();
  before.kill('SIGKILL');
  const again = await back;
  expect(again.port).toBe(before.port);
  expect(again.process.pid).not.toBe(before.process.pid);
  expect(said.join('\n')).toMatch(/demo IOC rf on port \d+ ended \(SIGKILL\), starting it again in/);
}, 30_000);

it('names the IOCs when it is given too few ports', async () => {
  await expect(startDemo({ runSoftIoc: ['true'], folder: folder.path, ports: [5064] })).rejects.toThrow('the demo has 4 IOCs (magnets, rf, diagnostics, vacuum-motion), but 1 ports were given: 5064');
});

it('leaves nothing running when one IOC cannot start, and says which', async () => {
  const taken = demo.iocs[0]!.port;
  const ports = [taken, await freePort(), await freePort(), await freePort()];
  const { command } = await softIocProgram();
  await expect(startDemo({ runSoftIoc: command, folder: folder.path, ports })).rejects.toThrow(/demo IOC magnets: port \d+ .* is taken/);
// Longer than an IOC may take to start, so that one that hangs is reported with its last words.
}, 60_000);
