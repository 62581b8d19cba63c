import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

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
    const client = await world.freshClient(kind, await world.still());
    try {
      await client.disconnect();
      const start = client.residentMB;
      await client.connect();
      const connected = client.residentMB;
      for (let sweep = 0; sweep < 5; sweep++) await client.get();
      const get = client.residentMB;
      await client.put(1);
      const put = client.residentMB;
      await client.monitor();
      return { start, connected, get, put, monitors: client.residentMB };
    } finally {
      await client.stop();
    }
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
