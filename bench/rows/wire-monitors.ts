import type { Row } from '../row.ts';
import type { ClientKind } from '../wire-client.ts';

const monitorsRow = (kind: ClientKind, atMost?: number): Row => ({
  key: `${kind}-monitors`,
  work: `${kind} client: search, connect and monitor all`,
  stage: 'wire',
  async limit(world) {
    // Each side alone: the other's channels would be served as well.
    await (await world.client(kind)).disconnect();
    const limit = await world.limit();
    const connect = await limit.connect();
    const monitor = await limit.monitor();
    const sample = { connectMs: connect.ms, monitorMs: monitor.ms, cpuMs: connect.cpuMs + monitor.cpuMs };
    await limit.to('disconnected');
    return sample;
  },
  async ours(world) {
    await (await world.limit()).to('disconnected');
    const client = await world.client(kind);
    const { ms, connectedMs, cpuMs } = await client.monitor();
    await client.disconnect();
    return { ms, connectedMs, cpuMs };
  },
  restore: (world) => world.drop(kind),
  figures: [
    { what: 'time to the last first update', ours: 'ms', limit: ['connectMs', 'monitorMs'], ...atMost === undefined ? {} : { atMost } },
    { what: 'time to connected', ours: 'connectedMs', limit: ['connectMs'] },
    { what: 'CPU time, descriptions included', ours: 'cpuMs', limit: ['cpuMs'] },
  ],
});

export const wireMonitors = monitorsRow('wire', 1);
export const libcaMonitors = monitorsRow('libca');
