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
    // One that nobody has read, because those are kept for a while.
    const path = `/v1/snapshots/${(await system.whole('monitored')).summary.id}`;
    const get = () => system.http.bytes('GET', path, undefined, 'application/vnd.drey.columns');
    const { ms, body } = await get();
    return { ms, againMs: (await get()).ms, MB: body.length / 2 ** 20 };
  },
  figures: [
    { what: 'request to last byte', ours: 'ms', limit: ['copyMs'], atMost: 1.5 },
    { what: 'the same once more', ours: 'againMs', limit: ['copyMs'] },
  ],
};
