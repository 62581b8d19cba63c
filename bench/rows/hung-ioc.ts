import type { Row } from '../row.ts';

export const hungIoc: Row = {
  key: 'hung-ioc',
  work: 'live snapshot with 1 IOC hung',
  stage: 'system',
  repeats: 3,
  async limit(world) {
    return { withoutMs: (await (await world.system()).whole('live')).ms };
  },
  async ours(world) {
    const system = await world.system();
    const ioc = system.facility.iocs[3]!;
    const good = system.total - system.facility.names[3]!.length;
    const withoutMs = (await system.whole('live')).ms;
    ioc.kill('SIGSTOP');
    try {
      const first = await system.snapshot('live');
      const second = await system.snapshot('live');
      for (const { summary } of [first, second]) {
        const read = summary.quality.outcomes['ok'] ?? 0;
        if (read !== good) throw new Error(`with one IOC hung ${read} of ${good} rows were read: ${JSON.stringify(summary.quality.outcomes)}`);
      }
      return { firstExtraMs: first.ms - withoutMs, secondMs: second.ms };
    } finally {
      ioc.kill('SIGCONT');
      await system.allConnected();
    }
  },
  figures: [
    { what: 'first one, longer by', ours: 'firstExtraMs', atMost: 2_000 },
    { what: 'next one, against none hung', ours: 'secondMs', limit: ['withoutMs'], atMost: 1.1 },
  ],
};
