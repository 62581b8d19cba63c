import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

let salt = 0;

const putRow = (kind: ClientKind, timeAtMost: number): Row => ({
  key: `${kind}-put`,
  work: `${kind} client: put-callback to all`,
  stage: 'wire',
  async prepare(world) {
    await (await world.client(kind)).connect();
    await (await world.limit()).to('connected');
  },
  async limit(world) {
    const { ms, cpuMs } = await (await world.limit()).put(++salt);
    return { ms, cpuMs };
  },
  async ours(world) {
    const { ms, cpuMs } = await (await world.client(kind)).put(++salt);
    return { ms, cpuMs };
  },
  restore: (world) => world.drop(kind),
  figures: [
    { what: 'time, same window', ours: 'ms', limit: ['ms'], atMost: timeAtMost },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'] },
  ],
});

export const wirePut = putRow('wire', 1.1);
export const libcaPut = putRow('libca', 1.3);
