import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';
import type { System } from '../system.ts';

const oneIn = 20;
/** The fewer differ between the two; the machine is as in one of them. */
let pair: readonly [string, string] = ['', ''];
let now: 0 | 1 = 1;
let fewer: readonly string[] = [];
let salt = 50_000;

const restoreFewer = (system: System, from: string) => system.http.json('POST', `/v1/snapshots/${from}/restore?async=false`, { pvNames: fewer, reason: 'bench: some values differ' });

export const compareSnapshots: Row = {
  key: 'compare',
  work: 'compare two snapshots, 5 % of the values differ',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    await (await world.limit()).put(++salt);
    fewer = system.facility.names.flat().filter((_, index) => index % oneIn === 0);
    const first = (await system.whole('live')).summary.id;
    await restoreFewer(system, (await storedSnapshot(system)).id);
    pair = [first, (await system.whole('live')).summary.id];
    now = 1;
  },
  async limit(world) {
    const system = await world.system();
    const { ms, differing } = await (await system.database()).compare(...pair);
    return { sqlMs: ms, differing };
  },
  async ours(world) {
    const system = await world.system();
    // Two that nobody has read, because those are kept for a while.
    const before = (await system.whole('live')).summary.id;
    now = now === 0 ? 1 : 0;
    await restoreFewer(system, pair[now]);
    const after = (await system.whole('live')).summary.id;
    const compare = () => system.http.json<{ differenceCount: number }>('GET', `/v1/snapshots/${before}/compare/${after}`);
    const { ms, body } = await compare();
    return { ms, againMs: (await compare()).ms, differing: body.differenceCount };
  },
  figures: [
    { what: 'request to answer', ours: 'ms', limit: ['sqlMs'], atMost: 1.5 },
    { what: 'the same once more', ours: 'againMs', limit: ['sqlMs'] },
  ],
};
