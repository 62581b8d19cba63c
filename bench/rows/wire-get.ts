import { medianOfFive, warmedUp } from '../repeated.ts';
import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

const getRow = (kind: ClientKind, timeAtMost: number, cpuAtMost: number): Row => ({
  key: `${kind}-get`,
  work: `${kind} client: get all, decoded`,
  stage: 'wire',
  async prepare(world) {
    const client = await world.client(kind);
    const limit = await world.limit();
    await client.connect();
    await limit.to('connected');
    await warmedUp(() => client.get(), () => limit.get());
  },
  async limit(world) {
    const limit = await world.limit();
    return medianOfFive(() => limit.get());
  },
  async ours(world) {
    const client = await world.client(kind);
    return medianOfFive(() => client.get());
  },
  restore: (world) => world.drop(kind),
  figures: [
    { what: 'time', ours: 'ms', limit: ['ms'], atMost: timeAtMost },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'], atMost: cpuAtMost },
  ],
});

export const wireGet = getRow('wire', 1, 0.5);
export const libcaGet = getRow('libca', 1.3, 1.3);
