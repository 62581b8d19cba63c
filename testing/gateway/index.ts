/** A gateway on real NATS and real Postgres, with fake ioc-hosts behind the bus. */
import { connectNats, ensureTopology } from '../../src/bus/nats/index.ts';
import { json, type Bus } from '../../src/bus/port.ts';
import type { ErrorBody } from '../../src/contracts/errors.ts';
import type { JobRecord } from '../../src/contracts/jobs.ts';
import { buckets } from '../../src/contracts/subjects.ts';
import { createGateway, type GatewayOptions } from '../../src/gateway/index.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createMetrics } from '../../src/kernel/metrics.ts';
import { createPersistence } from '../../src/persistence/postgres/index.ts';
import { apiScopes, type ApiScope, type Persistence } from '../../src/persistence/port.ts';
import { createDatabase, startNats } from '../harness/index.ts';

export { metaHashOf, startFakeIocHost, type FakeIocHost, type FakeValue } from './fake-ioc-host.ts';
export { runCommand, type CommandAnswer } from './command.ts';
export { storeSnapshot, type SavedValue } from './stored-snapshot.ts';

export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

export interface GatewayForTest extends AsyncDisposable {
  readonly url: string;
  readonly persistence: Persistence;
  readonly bus: Bus;
  /** Key with every scope. */
  readonly admin: string;
  keyWith(...scopes: ApiScope[]): Promise<string>;
  /** Without `key`: the admin's. `key: null` sends none. Strings go as they are. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  call<T = any>(method: string, path: string, body?: unknown, options?: { key?: string | null; headers?: Record<string, string> }): Promise<Answer<T>>;
  /** The same, and it must succeed. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  good<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  /** The same, and it must be refused. */
  refused(method: string, path: string, body?: unknown, options?: { key?: string | null; headers?: Record<string, string> }): Promise<Answer<ErrorBody>>;
  /** Plays the coordinator: changes the record of a job. */
  changeJob(id: string, change: (record: JobRecord) => JobRecord): Promise<void>;
}

export interface Outside {
  readonly natsUrl?: string;
  readonly databaseUrl?: string;
  readonly options?: Partial<GatewayOptions>;
}

export async function migrated(url: string): Promise<void> {
  const persistence = createPersistence({ url, log: silentLog });
  await persistence.migrate();
  await persistence.close();
}

export async function startGateway(outside: Outside = {}): Promise<GatewayForTest> {
  await using stack = new AsyncDisposableStack();
  const natsUrl = outside.natsUrl ?? stack.use(await startNats()).connection.servers;
  const databaseUrl = outside.databaseUrl ?? stack.use(await createDatabase({ template: { name: 'gateway', prepare: migrated } })).url;
  const persistence = createPersistence({ url: databaseUrl, log: silentLog });
  stack.defer(() => persistence.close());
  const bus = await connectNats({ servers: natsUrl, name: 'gateway test', log: silentLog });
  stack.defer(() => bus.close());
  await ensureTopology(bus);
  const gateway = createGateway({ persistence, bus, log: silentLog, metrics: createMetrics(), options: { host: '127.0.0.1', port: 0, version: '0.0.0-test', ...outside.options } });
  stack.defer(() => gateway.stop());
  await gateway.start();
  const { token: admin } = await persistence.apiKeys.create('test admin', apiScopes);

  const call: GatewayForTest['call'] = async (method, path, body, { key = admin, headers = {} } = {}) => {
    const response = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { ...(key === null ? {} : { 'x-api-key': key }), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (response.headers.get('content-type')?.includes('/json') ? JSON.parse(text) : text) as never, headers: response.headers };
  };

  const parts = stack.move();
  let keys = 0;
  return {
    url: gateway.url,
    persistence,
    bus,
    admin,
    call,
    keyWith: async (...scopes) => (await persistence.apiKeys.create(`test key ${++keys}`, scopes)).token,
    good: async (method, path, body) => {
      const answer = await call(method, path, body);
      if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    refused: async (method, path, body, options) => {
      const answer = await call<ErrorBody>(method, path, body, options);
      if (answer.status < 400) throw new Error(`${method} ${path} was not refused: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
      return answer;
    },
    changeJob: async (id, change) => {
      const bucket = await bus.keyValue(buckets.jobs);
      const entry = (await bucket.get(id))!;
      await bucket.update(id, json.encode(change(json.decode<JobRecord>(entry.value))), entry.revision);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
