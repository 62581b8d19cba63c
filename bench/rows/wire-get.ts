import { median, type Row, type Sample } from '../row.ts';

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

export const wireGet: Row = {
  key: 'wire-get',
  work: 'wire client: get all, decoded',
  stage: 'wire',
  async prepare(world) {
    const wire = await world.wire();
    const limit = await world.limit();
    await wire.connected();
    await limit.to('connected');
    // A service that runs for months is compiled; one sweep is not enough for that.
    for (let sweep = 0; sweep < 20; sweep++) {
      await wire.get();
      await limit.get();
    }
  },
  async limit(world) {
    const limit = await world.limit();
    return sweeps(() => limit.get());
  },
  async ours(world) {
    const wire = await world.wire();
    return sweeps(() => wire.get());
  },
  figures: [
    { what: 'time', ours: 'ms', limit: ['ms'], atMost: 1 },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'], atMost: 0.5 },
  ],
};
