import type { Row } from '../row.ts';

export const coldStart: Row = {
  key: 'cold-start',
  work: 'cold start to all connected and monitored',
  stage: 'system',
  repeats: 3,
  async prepare(world) {
    await world.system();
  },
  async limit(world) {
    await (await world.system()).halt();
    const limit = await world.limit();
    const connect = await limit.connect();
    const monitor = await limit.monitor();
    await limit.to('connected');
    return { connectMs: connect.ms, monitorMs: monitor.ms };
  },
  async ours(world) {
    const system = await world.system();
    await system.halt();
    const started = Date.now();
    await system.boot();
    const doorMs = Date.now() - started;
    await system.allConnected();
    const connectedMs = Date.now() - started;
    return { doorMs, connectedMs, ms: (await system.allMonitored()) - started };
  },
  async restore(world) {
    await (await world.system()).restart();
  },
  figures: [
    { what: 'from the start of the process, NATS included', ours: 'ms', limit: ['connectMs', 'monitorMs'], atMost: 1.5 },
    { what: 'of it until the HTTP door is open', ours: 'doorMs' },
  ],
};
