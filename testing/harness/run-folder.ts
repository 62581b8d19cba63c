// What a test run shares: the programs, found or brought once, and a folder that the run owns.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNatsServer, findPostgres, findSoftIoc } from '../../src/embedded/index.ts';

export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where things are brought to, in tests as in a start. */
export const BROUGHT = process.env.DREY_BRING ?? join(PROJECT, '.drey');

export const search = { folder: BROUGHT, environment: process.env, say: (line: string) => console.error(`[set-up] ${line}`) };

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => made ??= make();
};

export const natsServerProgram = once(() => findNatsServer({ ...search, override: process.env.DREY_NATS_SERVER, releaseUrl: process.env.DREY_NATS_RELEASE_URL }));
export const postgresPrograms = once(() => findPostgres(search));
export const softIocProgram = once(() => findSoftIoc({ ...search, override: process.env.DREY_SOFT_IOC }));

/** A folder that goes away with its user. Others may pass through it: Postgres runs as another user under root. */
export function temporaryFolder(purpose: string): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), `drey-${purpose}-`));
  chmodSync(path, 0o711);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}
