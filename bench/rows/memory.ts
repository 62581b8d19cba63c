import type { Row } from '../row.ts';

export const memory: Row = {
  key: 'memory',
  work: 'memory of the one-process system, without Postgres',
  stage: 'system',
  repeats: 1,
  async ours(world) {
    const system = await world.system();
    await system.whole('live');
    const { dreyMB, natsMB } = system.memory();
    return { dreyMB, natsMB, MB: dreyMB + natsMB };
  },
  figures: [
    { what: 'Drey and nats-server', unit: 'MB', ours: 'MB', atMost: 400 },
    { what: 'Drey alone', unit: 'MB', ours: 'dreyMB', atMost: 400 },
  ],
};
