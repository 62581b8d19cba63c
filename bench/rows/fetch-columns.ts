import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';

export const fetchColumns: Row = {
  key: 'fetch-columns',
  work: 'fetch a whole snapshot as columns',
  stage: 'system',
  async limit(world) {
    const system = await world.system();
    const { ms, bytes } = await (await system.database()).copyOut((await storedSnapshot(system)).id);
    return { copyMs: ms, MB: bytes.length / 2 ** 20 };
  },
  async ours(world) {
    const system = await world.system();
    const { ms, body } = await system.http.bytes('GET', `/v1/snapshots/${(await storedSnapshot(system)).id}`, undefined, 'application/vnd.drey.columns');
    return { ms, MB: body.length / 2 ** 20 };
  },
  figures: [{ what: 'request to last byte', ours: 'ms', limit: ['copyMs'], atMost: 1.5 }],
};
