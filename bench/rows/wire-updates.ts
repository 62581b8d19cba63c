import type { Row } from '../row.ts';
import { WireClient } from '../wire-client.ts';

const seconds = 3;

export const wireUpdates: Row = {
  key: 'wire-updates',
  work: 'wire client: monitor updates at 100,000 a second',
  stage: 'wire',
  async limit(world) {
    const limit = await world.tickingLimit();
    const { cpuMs, updates } = await limit.updates(seconds);
    await limit.to('disconnected');
    return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
  },
  async ours(world) {
    const wire = await WireClient.start(await world.ticking(), world.settings.window);
    try {
      await wire.monitorAll();
      const { cpuMs, updates } = await wire.updates(seconds);
      return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
    } finally {
      await wire.stop();
    }
  },
  async restore(world) {
    await world.drop('tickingLimit', 'ticking');
  },
  figures: [{ what: 'CPU per update', unit: 'us', ours: 'cpuUs', limit: ['cpuUs'], atMost: 1.2 }],
};
