import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';

let answer: unknown;
let firstMs = 0;

export const fetchJson: Row = {
  key: 'fetch-json',
  work: 'fetch a whole snapshot as JSON',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    const { id } = await storedSnapshot(system);
    const started = performance.now();
    const { body } = await system.http.bytes('GET', `/v1/snapshots/${id}`);
    firstMs = performance.now() - started;
    const parsed = JSON.parse(body.toString()) as { pvValues: unknown[] };
    if (parsed.pvValues.length !== system.total) throw new Error(`the snapshot came with ${parsed.pvValues.length} of ${system.total} rows`);
    answer = parsed;
  },
  async limit(world) {
    const system = await world.system();
    const selectMs = await (await system.database()).select((await storedSnapshot(system)).id);
    const started = performance.now();
    JSON.stringify(answer);
    return { selectMs, stringifyMs: performance.now() - started };
  },
  async ours(world) {
    const system = await world.system();
    // One that nobody has read, because those are kept for a while.
    const path = `/v1/snapshots/${(await system.whole('monitored')).summary.id}`;
    const { ms, body } = await system.http.bytes('GET', path);
    const again = await system.http.bytes('GET', path);
    return { ms, againMs: again.ms, firstMs, answerMB: body.length / 2 ** 20 };
  },
  figures: [
    { what: 'request to last byte', ours: 'ms', limit: ['selectMs', 'stringifyMs'], atMost: 1.5 },
    { what: 'the same once more', ours: 'againMs', limit: ['selectMs', 'stringifyMs'] },
    { what: 'the first of all, code and catalogue cold', ours: 'firstMs', limit: ['selectMs', 'stringifyMs'] },
  ],
};
