import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/embedded/command.ts';
import type { Row, Sample } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';
import { clientFacility } from '../world.ts';

const memoryRow = (kind: ClientKind): Row => ({
  key: `${kind}-memory`,
  work: `${kind} client: memory of a process with nothing else`,
  stage: 'wire',
  repeats: 1,
  async limit(world) {
    const limit = await world.freshLimit();
    try {
      await limit.connect();
      const connected = limit.residentMB;
      for (let sweep = 0; sweep < 5; sweep++) await limit.get();
      const get = limit.residentMB;
      await limit.put(1);
      const put = limit.residentMB;
      await limit.monitor();
      return { connected, get, put, monitors: limit.residentMB };
    } finally {
      await limit.stop();
    }
  },
  async ours(world) {
    const folder = await mkdtemp(join(tmpdir(), 'drey-bench-memory-'));
    const path = join(folder, 'facility.json');
    await writeFile(path, JSON.stringify(clientFacility(await world.still())));
    const done = await run(process.execPath, [join(import.meta.dirname, '..', 'client-memory.ts'), kind, String(world.settings.window), path], { timeoutMs: 120_000 });
    await rm(folder, { recursive: true });
    if (done.code !== 0) throw new Error(`the ${kind} client in a process of its own failed: ${done.fault ?? done.stderr.slice(-2000)}`);
    return JSON.parse(done.stdout) as Sample;
  },
  figures: [
    { what: 'before the first channel', unit: 'MB', ours: 'start' },
    { what: 'connected', unit: 'MB', ours: 'connected', limit: ['connected'] },
    { what: 'after gets', unit: 'MB', ours: 'get', limit: ['get'] },
    { what: 'after a put to all', unit: 'MB', ours: 'put', limit: ['put'] },
    { what: 'monitoring all', unit: 'MB', ours: 'monitors', limit: ['monitors'] },
  ],
});

export const wireMemory = memoryRow('wire');
export const libcaMemory = memoryRow('libca');
