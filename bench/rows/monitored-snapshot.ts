import type { Row } from '../row.ts';
import { bareCopy } from '../stored.ts';

export const monitoredSnapshot: Row = {
  key: 'monitored-snapshot',
  work: 'snapshot from monitored columns, stored',
  stage: 'system',
  async limit(world) {
    return { copyMs: await bareCopy(await world.system()) };
  },
  async ours(world) {
    const { ms, cpuMs, summary } = await (await world.system()).whole('monitored');
    return { ms, cpuMs, inJobMs: summary.quality.durationMs };
  },
  figures: [{ what: 'request to answer', ours: 'ms', limit: ['copyMs'], atMost: 1.3 }],
};
