/**
 * The one configuration, read once. Order: flag, environment, configuration file, default; the first
 * that says something wins. All faults are reported together, each naming its key, value and source.
 * The only reader of process.env, but for the EPICS_CA_* variables (channel-access/environment.ts).
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readCaEnvironment } from './channel-access/environment.ts';
import type { CaEnvironment } from './channel-access/port.ts';
import { DreyError } from './contracts/errors.ts';
import { checkInput } from './contracts/input-faults.ts';
import { logLevels } from './kernel/log.ts';

const wholeNumber = z.coerce.number({ error: 'it is a whole number' }).int('it is a whole number');
const port = wholeNumber.min(0).max(65535);
const positive = wholeNumber.min(1);
const yesNo = z.union([z.boolean(), z.enum(['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off']).transform((word) => ['1', 'true', 'yes', 'on'].includes(word))], { error: 'it is yes or no' });
const list = z.union([z.array(z.string()), z.string().transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))]);
const optional = z.string().min(1).optional();
// The driver takes any word for the name of a host, and looks for it until it gives up. A socket's URL has no host: postgres://me@/drey?host=/run/postgresql
const postgresUrl = z.string().refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace('@/', '@socket/'))).optional();

interface Setting {
  readonly env: string;
  readonly schema: z.ZodType;
  readonly fallback: unknown;
  readonly about: string;
  /** Never shown; in words, what is wrong with a value that will not do. */
  readonly secret?: string;
}
const unfit = 'its value will not do';
const setting = <S extends z.ZodType>(env: string, schema: S, fallback: z.output<S>, about: string, secret?: string) => ({ env, schema, fallback, about, ...(secret ? { secret } : {}) });

/** Every setting: its environment variable, what it may be, its default, and what it is for. docs/reference/configuration.md is made from this. */
export const settings = {
  host: setting('DREY_HOST', z.string().min(1), '127.0.0.1', 'address the gateway listens on'),
  port: setting('DREY_PORT', port, 8080, 'port the gateway listens on'),
  data: setting('DREY_DATA', z.string().min(1), '.drey/data', 'folder of the embedded servers, the first-start API key and the lock file'),
  bring: setting('DREY_BRING', z.string().min(1), '.drey', 'folder for programs that are brought along (nats-server, soft IOC)'),
  id: setting('DREY_ID', z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, 'letters, digits, _ and -, at most 60'), hostname().replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60) || 'drey', 'name of this process among ioc-hosts and coordinators; keep it across restarts, and different in each process'),
  demo: setting('DREY_DEMO', yesNo, true, 'role up: start the demo facility (flag --no-demo)'),
  natsUrl: setting('NATS_URL', optional, undefined, 'external NATS server(s), comma-separated; absent: role up brings its own'),
  natsUser: setting('NATS_USER', optional, undefined, 'user at the NATS server'),
  natsPassword: setting('NATS_PASSWORD', optional, undefined, 'password at the NATS server', unfit),
  databaseUrl: setting('DATABASE_URL', postgresUrl, undefined, 'external Postgres; absent: role up brings its own', 'its value is not a postgres:// URL, such as postgres://user:password@host:5432/drey'),
  natsServer: setting('DREY_NATS_SERVER', optional, undefined, 'path of a nats-server program to use'),
  natsReleaseUrl: setting('DREY_NATS_RELEASE_URL', optional, undefined, 'where nats-server release archives are fetched from'),
  softIoc: setting('DREY_SOFT_IOC', optional, undefined, 'path of a soft IOC program to use for the demo'),
  ca: setting('DREY_CA', z.enum(['wire', 'libca']), 'wire', 'Channel Access client: wire (in TypeScript) or libca (the reference library)'),
  libca: setting('DREY_LIBCA', optional, undefined, 'path of the libca.so to use with DREY_CA=libca'),
  libcaSink: setting('DREY_LIBCA_SINK', z.enum(['auto', 'off']), 'auto', 'DREY_CA=libca: auto compiles its native sink and does without where that fails, off does without; docs/set-up.md says what is lost then'),
  libcaSweepMs: setting('DREY_LIBCA_SWEEP_MS', positive.min(20), 1_000, 'DREY_CA=libca without its native sink: how often monitored values are read, ms'),
  caThreads: setting('DREY_CA_THREADS', positive.max(64).optional(), undefined, 'threads over which the IOCs are spread; absent: 1, and with DREY_CA=libca as many as there are cores, 2 to 4: one whose IOC blocks or kills it does not take the others along'),
  caCapacity: setting('DREY_CA_CAPACITY', positive.max(4_000_000), 262_144, 'largest number of channels one ioc-host can watch'),
  caEchoIdleMs: setting('DREY_CA_ECHO_IDLE_MS', positive.min(100), 5_000, 'silence on a circuit after which an echo is sent, ms'),
  caEchoTimeoutMs: setting('DREY_CA_ECHO_TIMEOUT_MS', positive.min(50), 2_000, 'time an IOC has for answering an echo, ms'),
  breakerWindow: setting('DREY_BREAKER_WINDOW', positive, 200, 'operations in the rolling window of an IOC breaker'),
  breakerMinCalls: setting('DREY_BREAKER_MIN_CALLS', positive, 20, 'operations before a breaker may trip on their failure rate'),
  breakerRate: setting('DREY_BREAKER_RATE', z.coerce.number().gt(0).max(1), 0.5, 'failure rate that trips a breaker'),
  breakerBaseMs: setting('DREY_BREAKER_BASE_MS', positive, 1_000, 'first pause of an open breaker, ms; doubles with each failed probe'),
  breakerMaxMs: setting('DREY_BREAKER_MAX_MS', positive, 60_000, 'longest pause of an open breaker, ms'),
  putWindow: setting('DREY_PUT_WINDOW', positive.max(1_000), 128, 'put-callbacks under way per IOC; 64 suits VME-class IOCs'),
  origins: setting('DREY_ORIGINS', list, [] as string[], 'browser origins that may call the API from other sites'),
  logLevel: setting('DREY_LOG', z.enum(logLevels), 'info', 'least level that is logged'),
  logFormat: setting('DREY_LOG_FORMAT', z.enum(['pretty', 'json']), process.stderr.isTTY ? 'pretty' : 'json', 'pretty for people, json for collectors'),
  metricsPort: setting('DREY_METRICS_PORT', port, 0, 'roles without a gateway: port for /metrics and /health; 0 = none'),
  url: setting('DREY_URL', z.url(), 'http://127.0.0.1:8080', 'command line: the gateway to talk to; absent, the one on this machine at DREY_PORT'),
  apiKey: setting('DREY_API_KEY', optional, undefined, 'command line: the API key; absent: the one of first start in the data folder', unfit),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export type Config = { readonly [K in SettingName]: z.output<(typeof settings)[K]['schema']> } & { readonly caEnvironment: CaEnvironment };

export interface ReadConfig {
  readonly config: Config;
  /** Where each value came from: "default", "DREY_PORT", "--port", "/etc/drey.json". */
  readonly sources: Readonly<Record<SettingName, string>>;
  /** The environment, for those who look programs up on PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface ConfigOrigin {
  /** Values given as flags, by setting name. */
  readonly flags?: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Variables of this name that others read: the file's own, set-up's, and the passwords of nats.conf. */
const elsewhere = /^DREY_(CONFIG|NODE|NATS_\w+_PASSWORD)$/;

const project = resolve(import.meta.dirname, '..');

/** Throws DreyError `badInput` whose `faults` hold every fault. */
export function readConfig({ flags = {}, environment = process.env }: ConfigOrigin = {}): ReadConfig {
  const faults: string[] = [];
  const file = readFile(environment['DREY_CONFIG'], faults);
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const name of Object.keys(settings) as SettingName[]) {
    const { env, schema, fallback, secret }: Setting = settings[name];
    const [source, given] = pick(name, env, flags, environment, file);
    sources[name] = source;
    if (given === undefined) {
      values[name] = fallback;
      continue;
    }
    const { data, faults: misfits, count } = checkInput(schema, given);
    if (count === 0) values[name] = data;
    else faults.push(`${source}: ${secret ?? `${JSON.stringify(given)} will not do: ${misfits.join('; ')}`}`);
  }
  for (const key of Object.keys(file.values)) {
    if (!(key in settings)) faults.push(`${file.path}: unknown key "${key}"; known are ${Object.keys(settings).join(', ')}`);
  }
  for (const key of Object.keys(environment)) {
    if (key.startsWith('DREY_') && !elsewhere.test(key) && !Object.values(settings).some(({ env }) => env === key)) faults.push(`${key}: no such setting; \`drey config\` lists them`);
  }
  if (values['breakerMinCalls'] as number > (values['breakerWindow'] as number)) faults.push(`DREY_BREAKER_MIN_CALLS (${String(values['breakerMinCalls'])}) must not exceed DREY_BREAKER_WINDOW (${String(values['breakerWindow'])})`);
  if (values['breakerBaseMs'] as number > (values['breakerMaxMs'] as number)) faults.push(`DREY_BREAKER_BASE_MS (${String(values['breakerBaseMs'])}) must not exceed DREY_BREAKER_MAX_MS (${String(values['breakerMaxMs'])})`);
  const ca = readCaEnvironment(environment);
  if (ca.ok) values['caEnvironment'] = ca.environment;
  else faults.push(...ca.faults.map(({ variable, value, allowed }) => `${variable}: ${JSON.stringify(value)} will not do: it is ${allowed}`));
  if (faults.length > 0) throw new DreyError('badInput', `the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}`, { faults });
  // The defaults lie in the project, wherever the command is given; what a person names is seen from where they are.
  for (const name of ['data', 'bring'] as const) values[name] = resolve(sources[name] === 'default' ? project : '.', values[name] as string);
  if (sources['url'] === 'default') values['url'] = `http://127.0.0.1:${values['port'] as number}`;
  return { config: Object.freeze(values) as Config, sources: sources as Record<SettingName, string>, environment };
}

function pick(name: SettingName, env: string, flags: Readonly<Partial<Record<SettingName, unknown>>>, environment: Readonly<Record<string, string | undefined>>, file: ConfigFile): [source: string, given: unknown] {
  if (flags[name] !== undefined) return [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, flags[name]];
  // An empty variable counts as absent: compose files pass those through.
  if (environment[env] !== undefined && environment[env] !== '') return [env, environment[env]];
  if (file.values[name] !== undefined) return [`${file.path}: ${name}`, file.values[name]];
  return ['default', undefined];
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

function readFile(path: string | undefined, faults: string[]): ConfigFile {
  if (path === undefined || path === '') return { path: '', values: {} };
  try {
    const values: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) return { path, values: values as Record<string, unknown> };
    faults.push(`DREY_CONFIG: ${path} must hold a JSON object`);
  } catch (error) {
    faults.push(`DREY_CONFIG: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { path, values: {} };
}

/** User and password before a host, as in NATS_URL. */
function withoutCredentials(value: string): string {
  return value.replace(/[^/,\s]*:[^/,\s]*@/g, '(hidden)@');
}

/** The configuration as rows for people, secrets hidden. */
export function describeConfig({ config, sources }: ReadConfig): { name: string; variable: string; value: string; source: string; about: string }[] {
  return (Object.keys(settings) as SettingName[]).map((name) => {
    const { env, about, secret }: Setting = settings[name];
    const value = config[name];
    return { name, variable: env, value: value === undefined ? '' : secret ? '(hidden)' : Array.isArray(value) ? value.join(' ') : withoutCredentials(String(value)), source: sources[name], about };
  });
}
