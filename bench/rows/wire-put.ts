import type { Row } from '../row.ts';

let salt = 0;

export const wirePut: Row = {
  key: 'wire-put',
  work: 'wire client: put-callback to all',
  stage: 'wire',
  async prepare(world) {
    await (await world.wire()).connected();
    await (await world.limit()).to('connected');
  },
  async limit(world) {
    const { ms, cpuMs } = await (await world.limit()).put(++salt);
    return { ms, cpuMs };
  },
  async ours(world) {
    return (await world.wire()).put(++salt);
  },
  figures: [
    { what: 'time, same window', ours: 'ms', limit: ['ms'], atMost: 1.1 },
    { what: 'CPU time', ours: 'cpuMs', limit: ['cpuMs'] },
  ],
};
