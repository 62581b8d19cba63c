import type { Row } from '../row.ts';
import { storedSnapshot } from '../stored.ts';

let answer: unknown;

export const fetchJson: Row = {
  key: 'fetch-json',
  work: 'fetch a whole snapshot as JSON',
  stage: 'system',
  async prepare(world) {
    const system = await world.system();
    const { body } = await system.http.json<{ pvValues: unknown[] }>('GET', `/v1/snapshots/${(await storedSnapshot(system)).id}`);
    if (body.pvValues.length !== system.total) throw new Error(`the snapshot came with ${body.pvValues.length} of ${system.total} rows`);
    answer = body;
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
    const { ms, body } = await system.http.bytes('GET', `/v1/snapshots/${(await storedSnapshot(system)).id}`);
    return { ms, answerMB: body.length / 2 ** 20 };
  },
  figures: [{ what: 'request to last byte', ours: 'ms', limit: ['selectMs', 'stringifyMs'], atMost: 1.5 }],
};
