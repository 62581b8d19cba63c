import { median, type Row } from '../row.ts';

const dead = 1_000;
let ids: string[] = [];
let withoutMs = 0;

export const deadPvs: Row = {
  key: 'dead-pvs',
  work: 'live snapshot with 1,000 PVs that no IOC serves',
  stage: 'system',
  repeats: 5,
  limit() {
    return Promise.resolve({ withoutMs });
  },
  async prepare(world) {
    const system = await world.system();
    // They cannot come and go between two repeats, so the measure without them is taken before.
    const without: number[] = [];
    for (let round = 0; round < 6; round++) without.push((await system.whole('live')).ms);
    withoutMs = median(without.slice(1));
    const { body } = await system.http.json<{ id: string }[]>('POST', '/v1/pvs/multi', Array.from({ length: dead }, (_, index) => ({ setpointAddress: `DEAD:PV${index}` })));
    ids = body.map(({ id }) => id);
  },
  async ours(world) {
    const system = await world.system();
    const { ms, summary } = await system.snapshot('live');
    const read = summary.quality.outcomes['ok'] ?? 0;
    if (read !== system.total || summary.pvCount !== system.total + dead) throw new Error(`read ${read} rows of ${summary.pvCount}, expected ${system.total} of ${system.total + dead}`);
    return { ms };
  },
  async restore(world) {
    const system = await world.system();
    for (const id of ids.splice(0)) await system.http.bytes('DELETE', `/v1/pvs/${id}`);
  },
  figures: [{ what: 'against none dead', ours: 'ms', limit: ['withoutMs'], atMost: 1.1 }],
};
