/**
 * One client alone against soft IOCs, 10 unless told otherwise, for profiling: which phase takes how long, and how much CPU
 * of which kind of thread.
 *
 *   node bench/wire/profile.ts get|put|connect|updates [rounds] [threads] [wire|libca] [IOCs]
 *   node --cpu-prof --cpu-prof-dir=/tmp/profiles bench/wire/profile.ts get 200
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libcaOnThisMachine } from '../../testing/harness/libca.ts';
import { startSoftIoc } from '../../testing/harness/soft-ioc.ts';
import { ChannelState } from '../../src/channel-access/columns.ts';
import { readCaEnvironment } from '../../src/channel-access/environment.ts';
import { WriteOutcome } from '../../src/channel-access/port.ts';
import { createLibcaClient } from '../../src/channel-access/libca/index.ts';
import { createWireClient } from '../../src/channel-access/wire/index.ts';
import { ReadOutcome } from '../../src/contracts/values.ts';
import { writeStill, writeTicking } from '../iocs.ts';
import { expectAll } from '../wire-client.ts';

const [what = 'get', roundsText = '20', threads = '1', kind = 'wire', iocsText = '10'] = process.argv.slice(2);
const rounds = Number(roundsText);
const iocCount = Number(iocsText);
const folder = await mkdtemp(join(tmpdir(), 'drey-profile-'));
const databases = await (what === 'updates' ? writeTicking(folder, iocCount, 10_000 / iocCount) : writeStill(folder, iocCount, 50_000 / iocCount));
const iocs = await Promise.all(databases.map(({ path }) => startSoftIoc({ databases: [path] })));
const names = databases.flatMap((database) => database.names);
const native = kind === 'libca' ? await libcaOnThisMachine() : undefined;

function start() {
  const read = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: iocs.map(({ address }) => address).join(' '), EPICS_CA_REPEATER_PORT: '35065' });
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  const options = { environment: read.environment, threads: Number(threads), capacity: names.length + 1000, echoIdleMs: 5000, echoTimeoutMs: 2000 };
  return native === undefined ? createWireClient(options) : createLibcaClient({ ...options, ...native });
}

/** CPU time so far in ms by the name of the thread, all of one name together. */
function threadCpu(): Map<string, number> {
  const used = new Map<string, number>();
  for (const task of readdirSync('/proc/self/task')) {
    const name = Number(task) === process.pid ? 'main' : readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
    const ms = Number(readFileSync(`/proc/self/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    used.set(name, (used.get(name) ?? 0) + ms);
  }
  return used;
}

/** Wall and CPU time of one round. */
async function timed(run: () => Promise<void>): Promise<{ ms: number; cpu: number; system: number }> {
  const from = performance.now();
  const cpu = process.cpuUsage();
  await run();
  const used = process.cpuUsage(cpu);
  return { ms: performance.now() - from, cpu: (used.user + used.system) / 1000, system: used.system / 1000 };
}

async function until(access: ReturnType<typeof start>, reached: (row: number) => boolean, rows: Int32Array): Promise<void> {
  let row = 0;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      while (row < rows.length && reached(rows[row]!)) row++;
      if (row === rows.length) resolve();
    };
    access.listen(look);
    look();
  });
}

async function connectRound(): Promise<void> {
  const access = start();
  const from = performance.now();
  const found = new Map<string, number>();
  const note = (kind: string): void => void found.set(kind, performance.now() - from);
  const rows = access.open(names, { monitor: true });
  let row = 0;
  await new Promise<void>((resolve) => access.listen((event) => {
    note(event.kind);
    while (row < rows.length && access.columns.updates[rows[row]!]! > 0) row++;
    if (row === rows.length) resolve();
  }));
  console.log('  last', [...found].map(([kind, ms]) => `${kind} ${ms.toFixed(0)}`).join(', '));
  await access.stop();
}

let threadsBefore = new Map<string, number>();
const say = (label: string, { ms, cpu, system }: { ms: number; cpu: number; system: number }): void =>
  console.log(`${label} ${ms.toFixed(1)} ms, CPU ${cpu.toFixed(1)} ms (${system.toFixed(1)} in the system)`);

if (what === 'connect') {
  for (let round = 0; round < rounds; round++) say('connect', await timed(connectRound));
} else {
  const access = start();
  const rows = access.open(names, { monitor: what === 'updates' });
  await until(access, (row) => access.columns.state[row] === ChannelState.connected, rows);
  access.listen(() => {});
  const rowsOf = iocs.map((_, i) => rows.slice(i * (rows.length / iocCount), (i + 1) * (rows.length / iocCount)));
  const sweep = () => Promise.all(iocs.map((ioc, i) => access.read(ioc.address, rowsOf[i]!, 10_000)));
  threadsBefore = threadCpu();
  if (what === 'updates') {
    for (let round = 0; round < rounds; round++) {
      if (round === rounds >> 1) threadsBefore = threadCpu();
      const before = access.statistics().updates;
      const used = await timed(() => new Promise((resolve) => setTimeout(resolve, 1000)));
      const updates = access.statistics().updates - before;
      say(`${updates} updates, ${((used.cpu * 1000) / updates).toFixed(3)} us each;`, used);
    }
  } else {
    const values = await sweep();
    for (let round = 0; round < rounds; round++) {
      if (round === rounds >> 1) threadsBefore = threadCpu();
      say(what, await timed(async () => {
        if (what === 'get') {
          for (const answer of await sweep()) {
            expectAll(answer.outcome, ReadOutcome.ok, 'read');
            access.recycle(answer);
          }
        } else {
          const results = await Promise.all(iocs.map((ioc, i) => access.write(ioc.address, rowsOf[i]!, values[i]!, { deadlineMs: 10_000, window: 128 })));
          for (const { outcome } of results) expectAll(outcome, WriteOutcome.done, 'put');
        }
      }));
    }
  }
  const each = [...threadCpu()].map(([name, ms]) => [name, (ms - (threadsBefore.get(name) ?? 0)) / (rounds - (rounds >> 1))] as const);
  console.log('CPU ms per round:', each.filter(([, ms]) => ms > 0.05).map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', '));
  await access.stop();
}
await Promise.all(iocs.map((ioc) => ioc.stop()));
await rm(folder, { recursive: true });
