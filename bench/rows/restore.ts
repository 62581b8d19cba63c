import type { Row } from '../row.ts';
import { bareCopy, storedSnapshot } from '../stored.ts';

let salt = 90_000;

interface RestoreAnswer {
  totalPVs: number;
  successCount: number;
  failureCount: number;
}

export const restoreAll: Row = {
  key: 'restore',
  work: 'restore all: plan, before-image, put-callback, verify, outcomes logged',
  stage: 'system',
  repeats: 5,
  async limit(world) {
    const limit = await world.limit();
    const system = await world.system();
    const before = await limit.get();
    const put = await limit.put(++salt);
    const after = await limit.get();
    return { getMs: before.ms, putMs: put.ms, verifyMs: after.ms, copyMs: await bareCopy(system), copyAgainMs: await bareCopy(system) };
  },
  async ours(world) {
    const system = await world.system();
    const { id } = await storedSnapshot(system);
    // Unmeasured: every value is moved away, so that every row must be written.
    await (await world.limit()).put(++salt);
    const { ms, body } = await system.http.json<RestoreAnswer>('POST', `/v1/snapshots/${id}/restore?async=false`, { reason: 'bench' });
    if (body.successCount !== system.total) throw new Error(`a restore brought ${body.successCount} of ${system.total} rows back: ${JSON.stringify(body).slice(0, 300)}`);
    return { ms };
  },
  figures: [{ what: 'request to answer', ours: 'ms', limit: ['getMs', 'putMs', 'verifyMs', 'copyMs', 'copyAgainMs'], atMost: 1.5 }],
};
