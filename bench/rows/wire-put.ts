import { medianOfFive, warmedUp } from '../repeated.ts';
import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

let salt = 0;

const putRow = (kind: ClientKind, timeAtMost: number, cpuAtMost?: number): Row => ({
  key: `${kind}-put`,
  work: `${kind} client: put-callback to all`,
  stage: 'wire',
  async prepare(world) {
    const client = await world.client(kind);
    const limit = await world.limit();
    await client.connect();
    await limit.to('connected');
    await warmedUp(() => client.put(++salt), () => limit.put(++salt));
  },
  async limit(world) {
    const limit = await world.limit();
    return medianOfFive(() => limit.put(++salt));
  },
  async ours(world) {
    const client = await world.client(kind);
    return medianOfFive(() => client.put(++salt));
  },
  restore: (world) => world.drop(kind),
  figures: [
    { what: 'time, same window', ours: 'ms', limit: ['ms'], atMost: timeAtMost },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'], ...cpuAtMost === undefined ? {} : { atMost: cpuAtMost } },
  ],
});

export const wirePut = putRow('wire', 1.1);
export const libcaPut = putRow('libca', 1.3, 1.3);
