import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SearchReport } from '../../embedded/index.ts';
import { createDatabase, freePort, startNats, temporaryFolder } from '../../../testing/harness/index.ts';
import { BROUGHT, PROJECT } from '../../../testing/harness/run-folder.ts';
import type { ServerAnswer } from './doctor.ts';

interface Said { reports: SearchReport[]; libca: SearchReport & { needed: boolean; sink: { path?: string; why?: string; compiler: string | null } }; servers: ServerAnswer[] }

async function doctor(environment: Record<string, string>, ...args: string[]): Promise<{ code: number; text: string; json: Said }> {
  const child = spawn(process.execPath, [join(PROJECT, 'src/main.ts'), 'doctor', ...args], {
    env: { PATH: process.env['PATH'], DREY_BRING: BROUGHT, DREY_URL: `http://127.0.0.1:${await freePort()}`, EPICS_CA_AUTO_ADDR_LIST: 'NO', ...environment }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => (text += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text, json: (args.includes('--json') ? JSON.parse(text) : {}) as Said };
}

describe('The doctor', () => {
  test('tells which libca is there, what else was looked for, and what becomes of the sink', async () => {
    const { json: { libca } } = await doctor({}, '--json');
    expect(libca.tried.map(({ source }) => source)).toContain('EPICS_BASE');
    expect(libca).toMatchObject({ needed: false, found: expect.stringMatching(/libca/) as string, version: expect.stringMatching(/libca/) as string });
    expect(libca.sink.path ?? libca.sink.why).toMatch(/sink|cc/);
    if (libca.sink.path === undefined && libca.sink.compiler === null) expect(libca.sink.why).toContain('no cc');
  });

  test('misses a libca that was named and is not there, and a compiler', async () => {
    using folder = temporaryFolder('doctor');
    const { code, json: { libca }, text } = await doctor({ DREY_CA: 'libca', DREY_LIBCA: join(folder.path, 'libca.so'), DREY_BRING: folder.path, PATH: folder.path }, '--json');
    expect(code).toBe(3);
    expect(libca.found).toBeUndefined();
    expect(libca).toMatchObject({ needed: true, tried: [{ source: 'DREY_LIBCA', outcome: `no file at ${join(folder.path, 'libca.so')}` }], sink: { why: 'no cc on PATH', compiler: null } });
    expect(text).toContain('DREY_LIBCA');
  });

  test('asks the servers that are named: what they are, and what is in them', async () => {
    await using nats = await startNats({ withPassword: true });
    await using database = await createDatabase();
    const { servers: address, user, pass } = nats.connection;
    const named = { NATS_URL: address, NATS_USER: String(user), NATS_PASSWORD: String(pass), DATABASE_URL: database.url };
    const { json: { servers } } = await doctor(named, '--json');
    expect(servers.map(({ variable, serves }) => [variable, serves])).toEqual([['NATS_URL', true], ['DATABASE_URL', true]]);
    expect(servers[0]!.says).toMatch(/nats-server \d+\.\d+.*0 streams, max_payload 8388608/);
    expect(servers[1]!.says).toMatch(new RegExp(`Postgres \\d+.*database ${database.name}: (no tables of Drey yet|Drey's tables at migration \\d+)`));
    const { code, text } = await doctor({ ...named, NATS_PASSWORD: 'wrong' });
    expect(code).toBe(3);
    expect(text).toMatch(/NATS_URL +NATS cannot be used: .*refuses the user/);
    expect(text).toMatch(/DATABASE_URL +Postgres \d+/);
  });

  test('says why a server that is named cannot be used, and keeps its password to itself', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = (silent.address() as { port: number }).port;
    const closed = await freePort();
    const { code, text, json: { servers } } = await doctor({ NATS_URL: `nats://me:secret-word@127.0.0.1:${closed}`, DATABASE_URL: `postgres://me:secret-word@127.0.0.1:${port}/drey` }, '--json');
    silent.close();
    expect(code).toBe(3);
    expect(servers.map(({ serves }) => serves)).toEqual([false, false]);
    expect(servers[0]!.says).toContain(`no NATS server answers at nats://127.0.0.1:${closed}`);
    expect(servers[1]!.says).toMatch(new RegExp(`127.0.0.1:${port}: .*timeout`, 'i'));
    expect(text).not.toContain('secret-word');
  });
});
