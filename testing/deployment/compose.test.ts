// There is no Docker engine where this is tested, so what can be read is read, and what can be run
// without one is run: deployed.test.ts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { isOlder, OLDEST_NATS_SERVER, POSTGRES_MAJOR } from '../../src/embedded/index.ts';
import { PROJECT } from '../harness/run-folder.ts';
import { composeServices, rolesOf } from './compose.ts';

const wanted = new Set<string>();
const services = composeServices((name) => { wanted.add(name); return 's3cret'; });
const dockerfile = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');

test('all parts of a deployed Drey are there', () => {
  expect(Object.keys(services).sort()).toEqual(['coordinator', 'demo', 'gateway', 'ioc-host-1', 'ioc-host-2', 'nats', 'postgres']);
  expect(rolesOf(services).map(([, { command }]) => command)).toEqual([['gateway'], ['coordinator'], ['ioc-host'], ['ioc-host']]);
});

test.each(rolesOf(services))('the environment of %s is a configuration without faults', (_, { environment }) => {
  expect(readConfig({ environment: environment ?? {} }).config.natsUrl).toBe('nats://nats:4222');
});

test.each(rolesOf(services))('%s has what its role needs and logs in as its role', (_, { command, environment = {} }) => {
  const role = command?.[0];
  expect(environment.NATS_USER).toBe(role);
  expect(environment.DATABASE_URL === undefined).toBe(role === 'ioc-host');
  expect(environment.EPICS_CA_ADDR_LIST === undefined).toBe(role !== 'ioc-host');
});

test('every process has an id of its own', () => {
  const ids = rolesOf(services).map(([, { environment }]) => environment?.DREY_ID);
  expect(new Set(ids).size).toBe(ids.length);
});

test('the secrets that are asked for are those that the comment names', () => {
  const text = readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8');
  const comment = text.split('\n').filter((line) => line.startsWith('#')).join(' ');
  expect([...wanted].filter((name) => !comment.includes(name))).toEqual([]);
});

test('nats-server gets every password that nats.conf reads, and is new enough', () => {
  const read = readFileSync(join(PROJECT, 'nats.conf'), 'utf8').match(/\$DREY_\w+/g) ?? [];
  expect(read.map((name) => name.slice(1)).sort()).toEqual(Object.keys(services.nats?.environment ?? {}).sort());
  expect(isOlder(`${/:(\d+\.\d+)/.exec(services.nats?.image ?? '')?.[1]}.0`, OLDEST_NATS_SERVER)).toBe(false);
});

test('Postgres has the same major version as the embedded one', () => {
  expect(services.postgres?.image).toBe(`postgres:${POSTGRES_MAJOR}`);
});

test('what a service waits for has a health check', () => {
  const awaited = Object.values(services).flatMap(({ depends_on = {} }) => Object.keys(depends_on));
  expect(awaited.length).toBeGreaterThan(0);
  expect(awaited.filter((name) => services[name]?.healthcheck === undefined)).toEqual([]);
});

test('the image has the stages that are built and copies only what exists and is sent', () => {
  const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
  expect(Object.values(services).flatMap(({ build }) => build?.target ?? [])).toEqual(expect.arrayContaining(['drey', 'demo']));
  expect(stages).toEqual(['drey', 'demo']);
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources]) => sources?.split(' ') ?? []);
  expect(copied.length).toBeGreaterThan(0);
  const sent = readFileSync(join(PROJECT, '.dockerignore'), 'utf8').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  expect(copied.filter((path) => !existsSync(join(PROJECT, path)) || !sent.includes(path))).toEqual([]);
});
