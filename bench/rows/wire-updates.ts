import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';
import type { Facility } from '../world.ts';

const seconds = 3;

/**
 * Connecting leaves work behind that is no part of an update: compilation, garbage, descriptions, and the search, which
 * after a second asks every other IOC too for each name (wire/search/duplicate-audit.ts), 17,000 a second: for 10,000 PVs
 * it is done after 2 s on 2 IOCs and after 7 s on 10. Compilation goes on for longest. The C program is left the same time.
 */
function settlingSeconds({ iocs, names }: Facility): number {
  const asked = names.flat().length * (iocs.length - 1);
  return 8 + Math.ceil(asked / 15_000);
}

const updatesRow = (kind: ClientKind, atMost: number): Row => ({
  key: `${kind}-updates`,
  work: `${kind} client: monitor updates at 100,000 a second`,
  stage: 'wire',
  async prepare(world) {
    await world.drop('limit', 'wire', 'libca');
  },
  async limit(world) {
    const limit = await world.tickingLimit();
    await limit.updates(settlingSeconds(await world.ticking()));
    const { cpuMs, updates } = await limit.updates(seconds);
    // Nobody else is connected while the other side is measured.
    await limit.to('disconnected');
    return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
  },
  async ours(world) {
    const ticking = await world.ticking();
    const client = await world.freshClient(kind, ticking);
    try {
      await client.monitor();
      await client.updates(settlingSeconds(ticking));
      const { cpuMs, updates } = await client.updates(seconds);
      return { cpuUs: (cpuMs * 1000) / updates, perSecond: updates / seconds };
    } finally {
      await client.stop();
    }
  },
  async restore(world) {
    await world.drop('tickingLimit', 'ticking');
  },
  figures: [{ what: 'CPU per update', unit: 'us', ours: 'cpuUs', limit: ['cpuUs'], atMost }],
});

export const wireUpdates = updatesRow('wire', 1.2);
export const libcaUpdates = updatesRow('libca', 1.3);
