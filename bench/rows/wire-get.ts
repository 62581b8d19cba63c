import { median, type Row, type Sample } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

/** A sweep takes some 20 ms, less than one hiccup of a shared machine: each sample is the median of five. */
async function sweeps(get: () => Promise<{ ms: number; cpuMs: number }>): Promise<Sample> {
  const ms: number[] = [];
  const cpuMs: number[] = [];
  for (let sweep = 0; sweep < 5; sweep++) {
    const taken = await get();
    ms.push(taken.ms);
    cpuMs.push(taken.cpuMs);
  }
  return { ms: median(ms), cpuMs: median(cpuMs) };
}

const getRow = (kind: ClientKind, timeAtMost: number, cpuAtMost: number): Row => ({
  key: `${kind}-get`,
  work: `${kind} client: get all, decoded`,
  stage: 'wire',
  async prepare(world) {
    const client = await world.client(kind);
    const limit = await world.limit();
    await client.connect();
    await limit.to('connected');
    // A service that runs for months is compiled; one sweep is not enough for that.
    for (let sweep = 0; sweep < 20; sweep++) {
      await client.get();
      await limit.get();
    }
  },
  async limit(world) {
    const limit = await world.limit();
    return sweeps(() => limit.get());
  },
  async ours(world) {
    const client = await world.client(kind);
    return sweeps(() => client.get());
  },
  restore: (world) => world.drop(kind),
  figures: [
    { what: 'time', ours: 'ms', limit: ['ms'], atMost: timeAtMost },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'], atMost: cpuAtMost },
  ],
});

export const wireGet = getRow('wire', 1, 0.5);
export const libcaGet = getRow('libca', 1.3, 1.3);
