import type { Row } from '../row.ts';

/** Small ones: what is listed must not depend on how many values hang on it, and 50 million rows would take the bench's time. */
const rowsPerSnapshot = 10;
let stored = 0;

export const listSnapshots: Row = {
  key: 'list-snapshots',
  work: 'list snapshots with 1,000 stored',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    const scope = { kind: 'names', pvNames: system.facility.names.flat().slice(0, rowsPerSnapshot) };
    const missing = world.settings.snapshots - stored;
    for (let taken = 0; taken < missing; taken += 4) await Promise.all(Array.from({ length: 4 }, () => system.snapshot('monitored', { scope })));
    stored += missing;
  },
  async ours(world) {
    const { ms } = await (await world.system()).http.bytes('GET', '/v1/snapshots');
    return { ms };
  },
  figures: [{ what: 'request to answer', ours: 'ms', atMost: 20 }],
};
