import type { Row } from '../row.ts';
import type { System } from '../system.ts';
import { storedSnapshot } from '../stored.ts';

let second = '';
let salt = 50_000;

async function pair(system: System): Promise<[string, string]> {
  return [(await storedSnapshot(system)).id, second];
}

export const compareSnapshots: Row = {
  key: 'compare',
  work: 'compare two snapshots',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    await storedSnapshot(system);
    // Every value differs: the most that a comparison has to say.
    await (await world.limit()).put(++salt);
    second = (await system.whole('live')).summary.id;
  },
  async limit(world) {
    const system = await world.system();
    const { ms, differing } = await (await system.database()).compare(...(await pair(system)));
    return { sqlMs: ms, differing };
  },
  async ours(world) {
    const system = await world.system();
    const [first, other] = await pair(system);
    const { ms, body } = await system.http.json<{ differenceCount: number }>('GET', `/v1/snapshots/${first}/compare/${other}`);
    return { ms, differing: body.differenceCount };
  },
  figures: [{ what: 'request to answer', ours: 'ms', limit: ['sqlMs'], atMost: 1.5 }],
};
