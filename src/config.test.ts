import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/harness/index.ts';
import { describeConfig, readConfig } from './config.ts';
import { DreyError } from './contracts/errors.ts';

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig({ environment });
  } catch (error) {
    if (error instanceof DreyError) return error.faults ?? [];
    throw error;
  }
  return [];
};

test('a flag wins over the environment, the environment over the file, the file over the default', () => {
  using folder = temporaryFolder('config');
  const file = join(folder.path, 'drey.json');
  writeFileSync(file, JSON.stringify({ port: 1, host: 'file', caThreads: 3 }));
  const { config, sources } = readConfig({ flags: { port: '3' }, environment: { DREY_CONFIG: file, DREY_PORT: '2', DREY_HOST: 'environment' } });
  expect(config).toMatchObject({ port: 3, host: 'environment', caThreads: 3, breakerWindow: 200 });
  expect(sources).toMatchObject({ port: '--port', host: 'DREY_HOST', caThreads: `${file}: caThreads`, breakerWindow: 'default' });
});

test('all faults are reported together, each with its source', () => {
  const faults = faultsOf({ DREY_PORT: 'eighty', DREY_BREAKER_RATE: '2', DREY_SPELLED_WRONG: 'x', DREY_BREAKER_WINDOW: '5', DREY_BREAKER_MIN_CALLS: '6', EPICS_CA_MAX_ARRAY_BYTES: 'many' });
  for (const name of ['DREY_PORT', 'DREY_BREAKER_RATE', 'DREY_SPELLED_WRONG', 'DREY_BREAKER_MIN_CALLS', 'EPICS_CA_MAX_ARRAY_BYTES']) expect(faults.join('\n')).toContain(name);
  expect(faults).toHaveLength(5);
});

test('a file with an unknown key, or that is no JSON object, is refused by name', () => {
  using folder = temporaryFolder('config');
  const file = join(folder.path, 'drey.json');
  writeFileSync(file, '{"prot": 1}');
  expect(faultsOf({ DREY_CONFIG: file })[0]).toContain('unknown key "prot"');
  writeFileSync(file, '[1]');
  expect(faultsOf({ DREY_CONFIG: file })[0]).toContain('must hold a JSON object');
  expect(faultsOf({ DREY_CONFIG: join(folder.path, 'absent') })[0]).toContain('cannot be read');
});

test('secrets are never shown, not in faults either', () => {
  const shown = JSON.stringify(describeConfig(readConfig({ environment: { DATABASE_URL: 'postgres://u:hunter2@h/d', NATS_PASSWORD: 'hunter3', DREY_API_KEY: 'hunter4' } })));
  expect(shown).not.toMatch(/hunter/);
  expect(shown).toContain('(hidden)');
});

test('a DATABASE_URL that is none is refused at once, and not shown', () => {
  const fault = 'DATABASE_URL: its value is not a postgres:// URL, such as postgres://user:password@host:5432/drey';
  for (const url of ['nonsense', 'nonsense:hunter2', 'mysql://u:hunter2@h/d', 'postgresql+asyncpg://u:hunter2@h/d', 'postgres://u:hunter2@h:port/d']) expect(faultsOf({ DATABASE_URL: url }), url).toEqual([fault]);
  for (const url of ['postgres://h/d', 'postgresql://u:p@h:5432/d?sslmode=require', 'postgres://u@/d?host=/run/postgresql', 'postgres:///d', 'postgres://%2Frun%2Fpostgresql/d']) expect(faultsOf({ DATABASE_URL: url }), url).toEqual([]);
});

test('an empty variable counts as absent', () => {
  expect(readConfig({ environment: { DREY_PORT: '', NATS_URL: '' } }).config).toMatchObject({ port: 8080, natsUrl: undefined });
});

test('the command line looks at the port of this machine, unless it is told where', () => {
  expect(readConfig({ environment: {} }).config.url).toBe('http://127.0.0.1:8080');
  expect(readConfig({ environment: { DREY_PORT: '8391' } }).config.url).toBe('http://127.0.0.1:8391');
  expect(readConfig({ environment: { DREY_PORT: '8391', DREY_URL: 'http://drey.example:80' } }).config.url).toBe('http://drey.example:80');
});
