// The deployed form without its containers: the services of docker-compose.yml as processes on
// loopback, with the commands and the environment that stand there, on nats.conf.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, startServerProcess, type ServerProcess } from '../../src/embedded/index.ts';
import { createPersistence } from '../../src/persistence/postgres/index.ts';
import { apiScopes } from '../../src/persistence/port.ts';
import { createLog } from '../../src/kernel/log.ts';
import { createDatabase, eventually, manyRecords, startSoftIoc, temporaryFolder } from '../harness/index.ts';
import { natsServerProgram, PROJECT } from '../harness/run-folder.ts';
import { composeServices, rolesOf, type ComposeService } from './compose.ts';

const PVS = 10;
const KEY = `drey_${'k'.repeat(43)}`;
const secret = (name: string): string => `s3cret-${name}`;

test('the roles of docker-compose.yml find each other with their own rights, and stop within 5 s', async () => {
  using folder = temporaryFolder('deployed');
  await using database = await createDatabase();
  await using ioc = await startSoftIoc({ records: manyRecords(10, (n) => ({ type: 'ao', name: `DEPLOYED:${n}`, fields: { VAL: n } })) });
  const [natsPort, gatewayPort, repeaterPort] = [await freePort(), await freePort(), await freePort()];
  const services = composeServices(secret);
  await using running = processes();

  const { command: natsServer } = await natsServerProgram();
  await running.start('nats', [...natsServer, '-c', join(PROJECT, 'nats.conf'), '--store_dir', folder.path, '-a', '127.0.0.1', '-p', String(natsPort)], services.nats);
  const onLoopback = ({ environment = {} }: ComposeService): Record<string, string> => ({
    ...environment,
    NATS_URL: `nats://127.0.0.1:${natsPort}`,
    DREY_HOST: '127.0.0.1',
    DREY_PORT: String(gatewayPort),
    ...(environment.DATABASE_URL === undefined ? {} : { DATABASE_URL: database.url }),
    ...(environment.DREY_METRICS_PORT === undefined ? {} : { DREY_METRICS_PORT: '0' }),
    ...(environment.EPICS_CA_ADDR_LIST === undefined ? {} : { EPICS_CA_ADDR_LIST: ioc.address, EPICS_CA_REPEATER_PORT: String(repeaterPort) }),
    DREY_LOG_FORMAT: 'json', // as the image sets it
  });
  for (const [name, service] of rolesOf(services)) {
    await running.start(name, [process.execPath, join(PROJECT, 'src', 'main.ts'), ...service.command ?? []], { ...service, environment: onLoopback(service) });
  }
  await Promise.all(rolesOf(services).map(([name]) => running.said(name, /"msg":"ready"/)));

  const store = createPersistence({ url: database.url, log: createLog({ level: 'error', pretty: false }) });
  await store.apiKeys.adopt('tested', apiScopes, KEY);
  await store.close();
  const { get, post } = clientOf(`http://127.0.0.1:${gatewayPort}/v1`);

  await post('/pvs/multi', Array.from({ length: PVS }, (_, n) => ({ setpointAddress: `DEPLOYED:${n}` })));
  await eventually(async () => {
    const iocs = await get<{ channels: { connected: number } }[]>('/iocs');
    return iocs.reduce((sum, { channels }) => sum + channels.connected, 0) === PVS;
  }, { saying: 'all channels to be connected', withinMs: 20_000, everyMs: 50 });
  const taken = await post<{ id: string }>('/snapshots?async=false', { title: 'deployed' });
  const { pvValues } = await get<{ pvValues: { setpointValue: { value: number } }[] }>(`/snapshots/${taken.id}`);
  expect(pvValues.map(({ setpointValue }) => setpointValue.value).sort((x, y) => x - y)).toEqual(Array.from({ length: PVS }, (_, n) => n));
  const { jobId } = await post<{ jobId: string }>(`/snapshots/${taken.id}/restore`, {});
  const job = await get<{ status: string; error?: unknown }>(`/jobs/${jobId}?wait=15000`);
  expect(job, JSON.stringify({ job, refused: running.refusals() })).toMatchObject({ status: 'completed' });
  const [{ name }] = await get<[{ name: string }]>('/iocs');
  expect(await post(`/iocs/${name}/open`, { reason: 'tested' })).toMatchObject({ state: 'forcedOpen' });
  expect(running.refusals()).toEqual([]);

  const start = performance.now();
  const ends = await Promise.all(rolesOf(services).map(([name]) => running.stop(name)));
  expect(ends).toEqual(rolesOf(services).map(() => ({ code: 0, signal: null })));
  expect(performance.now() - start).toBeLessThan(5000);
}, 60_000);

/** A program that talks to the gateway. */
function clientOf(url: string): { get<T>(path: string): Promise<T>; post<T>(path: string, body: object): Promise<T> } {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${url}${path}`, {
      method, headers: { 'x-api-key': KEY, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json() as T;
  };
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}

interface Running extends AsyncDisposable {
  start(name: string, command: string[], service: Pick<ComposeService, 'environment'> | undefined): Promise<void>;
  said(name: string, what: RegExp): Promise<void>;
  stop(name: string): Promise<unknown>;
  /** Words of a NATS server that refused something. */
  refusals(): string[];
}

function processes(): Running {
  const all = new Map<string, { process: ServerProcess; lines: string[] }>();
  return {
    async start(name, command, service) {
      const lines: string[] = [];
      const process_ = await startServerProcess({
        name, command, environment: { PATH: process.env.PATH, HOME: process.env.HOME, ...service?.environment },
        stopSignal: 'SIGTERM', stopWithinMs: 8000, onLine: (line) => lines.push(line),
      });
      all.set(name, { process: process_, lines });
    },
    async said(name, what) {
      const { process: one, lines } = all.get(name) ?? { lines: [] };
      await eventually(() => {
        if (one?.running === false) throw new Error(`${name} ended:\n${lines.slice(-15).join('\n')}`);
        return lines.some((line) => what.test(line));
      }, { saying: `${name} to say ${what}`, withinMs: 30_000 });
    },
    stop: (name) => all.get(name)?.process.stop() ?? Promise.resolve(),
    refusals: () => [...all.values()].flatMap(({ lines }) => lines.filter((line) => /violation/i.test(line))),
    async [Symbol.asyncDispose]() {
      await Promise.all([...all.values()].map(({ process: one }) => one.stop()));
    },
  };
}
