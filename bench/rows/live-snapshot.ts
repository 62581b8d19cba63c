import type { Row } from '../row.ts';
import { bareCopy } from '../stored.ts';

export const liveSnapshot: Row = {
  key: 'live-snapshot',
  work: 'live snapshot, stored and queryable',
  stage: 'system',
  async limit(world) {
    const { ms } = await (await world.limit()).get();
    return { getMs: ms, copyMs: await bareCopy(await world.system()) };
  },
  async ours(world) {
    const { ms, cpuMs, summary } = await (await world.system()).whole('live');
    return { ms, cpuMs, inJobMs: summary.quality.durationMs };
  },
  figures: [{ what: 'request to answer', ours: 'ms', limit: ['getMs', 'copyMs'], atMost: 1.5 }],
};
