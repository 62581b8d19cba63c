import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';

let afterRowsMB = 0;

export const memory: Row = {
  key: 'memory',
  work: 'memory of the one-process system, without Postgres',
  stage: 'system',
  repeats: 3,
  async prepare(world) {
    const system = await world.system();
    const { id } = await storedSnapshot(system);
    await system.http.bytes('GET', `/v1/snapshots/${id}`);
    const { dreyMB, natsMB } = system.memory();
    afterRowsMB = dreyMB + natsMB;
  },
  async ours(world) {
    const system = await world.system();
    await system.restart();
    for (let snapshot = 0; snapshot < 3; snapshot++) await system.whole('live');
    const { dreyMB, natsMB } = system.memory();
    return { dreyMB, natsMB, MB: dreyMB + natsMB, afterRowsMB };
  },
  figures: [
    { what: 'Drey and nats-server, started and three snapshots taken', unit: 'MB', ours: 'MB', atMost: 400 },
    { what: 'of it nats-server', unit: 'MB', ours: 'natsMB' },
    { what: 'Drey and nats-server after all rows before this one', unit: 'MB', ours: 'afterRowsMB' },
  ],
};
