import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';

const oneIn = 20;
let pair: readonly [string, string] = ['', ''];
let salt = 50_000;

export const compareSnapshots: Row = {
  key: 'compare',
  work: 'compare two snapshots, 5 % of the values differ',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    const { id } = await storedSnapshot(system);
    await (await world.limit()).put(++salt);
    const first = (await system.whole('live')).summary.id;
    const pvNames = system.facility.names.flat().filter((_, index) => index % oneIn === 0);
    await system.http.json('POST', `/v1/snapshots/${id}/restore?async=false`, { pvNames, reason: 'bench: some values differ' });
    pair = [first, (await system.whole('live')).summary.id];
  },
  async limit(world) {
    const system = await world.system();
    const { ms, differing } = await (await system.database()).compare(...pair);
    return { sqlMs: ms, differing };
  },
  async ours(world) {
    const { ms, body } = await (await world.system()).http.json<{ differenceCount: number }>('GET', `/v1/snapshots/${pair[0]}/compare/${pair[1]}`);
    return { ms, differing: body.differenceCount };
  },
  figures: [{ what: 'request to answer', ours: 'ms', limit: ['sqlMs'], atMost: 1.5 }],
};
