import { Beside, pause, watching } from '../live-stream.ts';
import { childrenOf, cpuMs } from '../process-figures.ts';
import type { Row, Sample } from '../row.ts';
import type { World } from '../world.ts';

const clients = 100;
const windowMs = 100;
const seconds = 5;
/** Updates a second that each client is to get. */
const full = 100_000;

interface Sent {
  readonly bytesPerMessage: number;
  readonly messagesPerSecond: number;
}
/** What was sent last, which `ws` alone then sends too. */
const sent: Record<'columns' | 'json', Sent> = {
  columns: { bytesPerMessage: 390_000, messagesPerSecond: 10 },
  json: { bytesPerMessage: 1_500_000, messagesPerSecond: 10 },
};

async function measured(world: World, form: 'columns' | 'json', amount: number): Promise<Sample> {
  const system = await world.live();
  const processes = (): number[] => [system.pid, ...childrenOf(system.pid).filter(({ name }) => name.startsWith('nats')).map(({ pid }) => pid)];
  const spent = (): number => processes().reduce((sum, pid) => sum + cpuMs(pid), 0);
  const beside = amount === 0 ? undefined : await watching(system.http.webSocket('/v1/ws/pvs'), system.http.key, amount, form, windowMs);
  try {
    await pause(1_500);
    const [before, countsBefore, began] = [spent(), await beside?.counts(), performance.now()];
    await pause(seconds * 1_000);
    const [after, counts] = [spent(), await beside?.counts()];
    const elapsed = (performance.now() - began) / 1000;
    const cpu = (after - before) / elapsed;
    if (!counts || !countsBefore) return { cpu };
    const messages = counts.messages - countsBefore.messages;
    sent[form] = { bytesPerMessage: Math.round((counts.bytes - countsBefore.bytes) / Math.max(1, messages)), messagesPerSecond: Math.max(1, messages / amount / elapsed) };
    const rowsPerClient = (counts.rows - countsBefore.rows) / amount / elapsed;
    // A machine that is too small brings fewer updates: what so many would have cost.
    return { cpu, cpuAtFull: (cpu * full) / rowsPerClient, rowsPerClient, MBPerSecond: (counts.bytes - countsBefore.bytes) / elapsed / 1e6, missedPerClient: (counts.missed - countsBefore.missed) / amount };
  } finally {
    await beside?.stop();
  }
}

async function bare(form: 'columns' | 'json', amount: number): Promise<Sample> {
  const server = new Beside('ws-limit.ts', sent[form].bytesPerMessage, sent[form].messagesPerSecond);
  try {
    const port = await server.line();
    const listening = new Beside('live-clients.ts', `ws://127.0.0.1:${port}`, 'none', amount, 'json', windowMs);
    await pause(1_500);
    const [before, began] = [cpuMs(server.pid), performance.now()];
    await pause(seconds * 1_000);
    const cpu = ((cpuMs(server.pid) - before) * 1000) / (performance.now() - began);
    await listening.stop();
    return { cpu };
  } finally {
    await server.stop();
  }
}

const prepare = async (world: World): Promise<void> => {
  // Its monitors would take their share of the machine.
  await world.drop('system', 'still');
  await world.live();
};

const limits = { what: 'CPU per second', unit: 'ms' } as const;

/** All of Drey, from the circuits to the sockets, and nats-server: CPU ms in a second. */
export const liveColumns: Row = {
  key: 'live-columns',
  work: `${clients} WebSocket clients watch everything as columns, 100,000 updates a second`,
  stage: 'system',
  repeats: 3,
  prepare,
  limit: () => bare('columns', clients),
  ours: (world) => measured(world, 'columns', clients),
  figures: [
    { ...limits, what: 'CPU per 100,000 updates to each, Drey whole and nats-server', ours: 'cpuAtFull', atMost: 500 },
    { ...limits, what: 'CPU per second', ours: 'cpu' },
    { ...limits, what: 'the same, over ws alone with the same bytes', ours: 'cpu', limit: ['cpu'] },
  ],
};

export const liveJson: Row = {
  key: 'live-json',
  work: `${clients} WebSocket clients watch everything as JSON, 100,000 updates a second`,
  stage: 'system',
  repeats: 3,
  prepare,
  limit: () => bare('json', clients),
  ours: (world) => measured(world, 'json', clients),
  figures: [
    { ...limits, what: 'CPU per 100,000 updates to each, Drey whole and nats-server', ours: 'cpuAtFull', atMost: 500 },
    { ...limits, what: 'CPU per second', ours: 'cpu' },
    { ...limits, what: 'the same, over ws alone with the same bytes', ours: 'cpu', limit: ['cpu'] },
  ],
};

let nobody = 0;

/** What the updates cost when nobody watches, and with one client: the rest is the clients' price. */
export const liveOne: Row = {
  key: 'live-one',
  work: 'one WebSocket client watches everything as JSON, 100,000 updates a second',
  stage: 'system',
  repeats: 3,
  prepare: async (world) => {
    await prepare(world);
    await pause(2_000);
    // Only before the first: after the last client the values stay current for a while.
    nobody = (await measured(world, 'json', 0))['cpu']!;
  },
  ours: async (world) => ({ nobody, one: (await measured(world, 'json', 1))['cpu']! }),
  figures: [
    { ...limits, what: 'CPU per second, nobody watches', ours: 'nobody' },
    { ...limits, what: 'CPU per second, one client', ours: 'one' },
  ],
};
