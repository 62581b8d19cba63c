/** A small facility for tests of coordinators: a real bus, a real database, a catalogue, and fake ioc-hosts. */
import { createCoordinator } from '../../src/actors/coordinator/index.ts';
import { connectNats, ensureTopology } from '../../src/bus/nats/index.ts';
import { watchJobs, type Jobs } from '../../src/bus/jobs.ts';
import type { Bus } from '../../src/bus/port.ts';
import { newCatalogueEntry } from '../../src/contracts/catalogue.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Service } from '../../src/kernel/lifecycle.ts';
import { silentLog, type Log } from '../../src/kernel/log.ts';
import { createMetrics } from '../../src/kernel/metrics.ts';
import { createPersistence } from '../../src/persistence/postgres/index.ts';
import type { Persistence } from '../../src/persistence/port.ts';
import { createDatabase, freePort, startNats, temporaryFolder } from '../harness/index.ts';
import { fakeIocHost, type FakeChannel, type FakeIocHost } from './ioc-host.ts';

export interface FakeFacility extends AsyncDisposable {
  readonly bus: Bus;
  readonly persistence: Persistence;
  readonly jobs: Jobs;
  /** Channel ids by name, `SET:0` … on IOCs `ioc0:5064` …. */
  readonly ids: Map<string, number>;
  host(name: string, ownsIoc?: (ioc: string) => boolean): Promise<FakeIocHost>;
  coordinator(id?: string, persistence?: Persistence): Promise<Service>;
  killNats(): Promise<void>;
  reviveNats(): Promise<void>;
}

export interface FakeFacilityOptions {
  readonly setpoints: number;
  readonly iocs: number;
  readonly log?: Log;
  readonly readOnly?: (index: number) => boolean;
}

export async function fakeFacility({ setpoints, iocs, log = silentLog, readOnly = () => false }: FakeFacilityOptions): Promise<FakeFacility> {
  const folder = temporaryFolder('facility');
  const port = await freePort();
  let nats = await startNats({ port, dataFolder: folder.path });
  const database = await createDatabase();
  const persistence = createPersistence({ url: database.url, log });
  await persistence.migrate();
  await persistence.catalogue.create(Array.from({ length: setpoints }, (_, i) => newCatalogueEntry.parse({ setpointAddress: `SET:${i}`, device: `D${i}`, readOnly: readOnly(i) })));
  const { channels } = await persistence.catalogue.channels({ after: 0, limit: setpoints });
  const iocOf = (id: number): string => `ioc${id % iocs}:5064`;
  const found: Record<string, number[]> = {};
  for (const { id } of channels) (found[iocOf(id)] ??= []).push(id);
  await persistence.catalogue.updateDirectory(found);

  const buses: Bus[] = [];
  const connect = async (name: string): Promise<Bus> => {
    const bus = await connectNats({ servers: `127.0.0.1:${port}`, name, log });
    buses.push(bus);
    return bus;
  };
  const bus = await connect('test');
  await ensureTopology(bus);
  const jobs = await watchJobs(bus);
  const hosts: FakeIocHost[] = [];
  const services: Service[] = [];
  return {
    bus, persistence, jobs,
    ids: new Map(channels.map(({ id, name }) => [name, id])),
    host: async (name, ownsIoc = () => true) => {
      const mine = new Map<number, FakeChannel>();
      for (const { id } of channels) if (ownsIoc(iocOf(id))) mine.set(id, { value: id / 10, ioc: iocOf(id) });
      const host = await fakeIocHost(await connect(name), name, mine);
      hosts.push(host);
      return host;
    },
    coordinator: async (id = 'coordinator', store = persistence) => {
      const service = createCoordinator({ bus: await connect(id), persistence: store, clock: systemClock, log, metrics: createMetrics(), id });
      await service.start();
      services.push(service);
      return service;
    },
    killNats: async () => {
      process.kill(nats.process.pid, 'SIGKILL');
      await nats.process.exited;
    },
    reviveNats: async () => {
      nats = await startNats({ port, dataFolder: folder.path });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(services.map((service) => service.stop()));
      await Promise.all(hosts.map((host) => host.stop().catch(() => {})));
      await jobs.stop();
      await Promise.all(buses.map((one) => one.close()));
      await persistence.close();
      await database[Symbol.asyncDispose]();
      await nats.stop();
      folder[Symbol.dispose]();
    },
  };
}
