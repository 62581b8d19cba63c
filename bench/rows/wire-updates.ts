import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

const seconds = 3;
/** Connecting leaves work behind, compilation and collection of garbage, that is no part of an update. */
const settlingSeconds = 2;

const updatesRow = (kind: ClientKind, atMost: number): Row => ({
  key: `${kind}-updates`,
  work: `${kind} client: monitor updates at 100,000 a second`,
  stage: 'wire',
  async limit(world) {
    const limit = await world.tickingLimit();
    await limit.updates(settlingSeconds);
    const { cpuMs, updates } = await limit.updates(seconds);
    await limit.to('disconnected');
    return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
  },
  async ours(world) {
    const wire = await world.client(kind, await world.ticking());
    try {
      await wire.monitorAll();
      await wire.updates(settlingSeconds);
      const { cpuMs, updates } = await wire.updates(seconds);
      return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
    } finally {
      await wire.stop();
    }
  },
  async restore(world) {
    await world.drop('tickingLimit', 'ticking');
  },
  figures: [{ what: 'CPU per update', unit: 'us', ours: 'cpuUs', limit: ['cpuUs'], atMost }],
});

export const wireUpdates = updatesRow('wire', 1.2);
export const libcaUpdates = updatesRow('libca', 1.3);
