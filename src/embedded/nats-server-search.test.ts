import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, temporaryFolder } from '../../testing/harness/index.ts';
import { debianMirrorOf } from './nats-server-debian.ts';
import { findNatsServer, inspectNatsServer, isOlder } from './nats-server-search.ts';
import { NATS_SERVER_TO_BRING, type NatsServerSearch } from './nats-server-source.ts';
import { sumOf } from './nats-server-release.ts';

const STEM = `nats-server-v${NATS_SERVER_TO_BRING}-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;

test('the release is used when its SHA256SUMS bears it out, and not fetched again', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path);
  const report = await findNatsServer(searchIn(folder.path, { releaseUrl: release.url }));
  expect(report).toMatchObject({ source: 'official release', version: NATS_SERVER_TO_BRING, found: join(folder.path, 'nats-server', 'nats-server') });
  const asked = release.asked.length;
  const again = await findNatsServer(searchIn(folder.path, { releaseUrl: release.url }));
  expect(again.source).toBe('brought before: official release');
  expect(release.asked).toHaveLength(asked);
  expect(readdirSync(join(folder.path, 'nats-server')).sort()).toEqual(['nats-server', 'origin.json']);
});

test('a release whose sum does not agree is thrown away, and the error says so', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path, { sum: 'f'.repeat(64) });
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: release.url }))).rejects.toThrow(/is not what was released: its SHA-256 is [0-9a-f]{64}, SHA256SUMS says f{64}/);
  expect(existsSync(join(folder.path, 'nats-server', 'nats-server'))).toBe(false);
});

test('a release that does not name the archive in its SHA256SUMS is not used', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path, { sumFor: 'something-else.tar.gz' });
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: release.url }))).rejects.toThrow(/SHA256SUMS does not name/);
  expect(release.asked).toEqual([expect.stringMatching(/SHA256SUMS$/)]);
});

test('a site that never answers gives way within the time given to it', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path, { silent: true });
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: release.url, answerWithinMs: 200 }))).rejects.toThrow(/did not answer within 0.2 s/);
});

test('a site that stops in the middle of the archive gives way too', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path, { stopsInTheMiddle: true });
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: release.url, answerWithinMs: 300 }))).rejects.toThrow(/tar\.gz did not answer within 0.3 s/);
});

test('a site that is not there and one without the release are named with their answers', async () => {
  using folder = temporaryFolder('search');
  const port = await freePort();
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: `http://127.0.0.1:${port}` }))).rejects.toThrow(/ECONNREFUSED/);
  await using release = await releaseSite(folder.path);
  await expect(findNatsServer(searchIn(folder.path, { releaseUrl: `${release.url}/elsewhere` }))).rejects.toThrow(/answered 404/);
});

test('inspecting looks but fetches nothing', async () => {
  using folder = temporaryFolder('search');
  await using release = await releaseSite(folder.path);
  const report = await inspectNatsServer({ folder: folder.path, environment: { PATH: '' }, releaseUrl: release.url, without: ['PATH'] });
  expect(report.found).toBeUndefined();
  expect(report.tried.map(({ source }) => source)).toEqual(['brought before', 'official release', 'Debian package', 'go install']);
  expect(release.asked).toEqual([]);
  expect(existsSync(join(folder.path, 'nats-server'))).toBe(false);
});

test('an old nats-server on PATH is passed over with its version', async () => {
  using folder = temporaryFolder('search');
  const bin = programs(folder.path, { 'nats-server': 'echo nats-server: v2.9.10' });
  const report = await inspectNatsServer({ folder: folder.path, environment: { PATH: bin } });
  expect(report.tried[0]).toEqual({ source: 'PATH', outcome: expect.stringMatching(/is 2\.9\.10, older than 2\.10\.0/) });
});

test('a new enough nats-server on PATH is used', async () => {
  using folder = temporaryFolder('search');
  const bin = programs(folder.path, { 'nats-server': 'echo nats-server: v2.11.0-RC.1' });
  expect(await findNatsServer({ folder: folder.path, environment: { PATH: bin } })).toMatchObject({ source: 'PATH', version: '2.11.0-RC.1', found: join(bin, 'nats-server') });
});

test('an override is the only source', async () => {
  using folder = temporaryFolder('search');
  await expect(findNatsServer({ folder: folder.path, environment: {}, override: '/nowhere/nats-server' })).rejects.toThrow(/DREY_NATS_SERVER: no program at \/nowhere\/nats-server/);
});

test('the Debian package is refused when its mirror is not signed by Debian', async () => {
  using folder = temporaryFolder('search');
  await using mirror = await unsignedMirror();
  const found = findNatsServer({ folder: folder.path, environment: process.env, debianMirror: mirror.url, without: ['PATH', 'official release', 'go install'] });
  await expect(found).rejects.toThrow(/Debian package: .*(is not signed|no apt-get|no Debian keyring)/);
  expect(existsSync(join(folder.path, 'nats-server', 'nats-server'))).toBe(false);
});

test('a Debian mirror that is not there is named as the reason', async () => {
  using folder = temporaryFolder('search');
  const port = await freePort();
  await expect(findNatsServer({
    folder: folder.path, environment: process.env, debianMirror: `http://127.0.0.1:${port}/debian`, answerWithinMs: 1000, without: ['PATH', 'official release', 'go install'],
  })).rejects.toThrow(/Debian package: (.*Could not connect|no apt-get|no Debian keyring)/);
});

test('Go builds the newest version that it can', async () => {
  using folder = temporaryFolder('search');
  const bin = programs(folder.path, { go: `
    case "$1 $*" in
      *list*) exit 0;;
      *${NATS_SERVER_TO_BRING}*) echo "requires a newer go" >&2; exit 1;;
      *) mkdir -p "$GOBIN"; printf '#!/bin/sh\\necho nats-server: v2.11.17\\n' > "$GOBIN/nats-server";;
    esac` });
  const report = await findNatsServer(searchIn(folder.path, { environment: { PATH: `${bin}:/usr/bin:/bin` }, without: ['PATH', 'official release', 'Debian package'] }));
  expect(report).toMatchObject({ source: 'go install', version: '2.11.17' });
});

test('a Go that gets no answer gives way', async () => {
  using folder = temporaryFolder('search');
  const bin = programs(folder.path, { go: 'exec sleep 60' });
  await expect(findNatsServer(searchIn(folder.path, { environment: { PATH: `${bin}:/usr/bin:/bin` }, answerWithinMs: 100, without: ['PATH', 'official release', 'Debian package'] })))
    .rejects.toThrow(/go install: go list v\S+: no end within 0.2 s/);
});

test('the mirror is read from both forms of sources file, Debian proper only', () => {
  expect(debianMirrorOf(['deb http://security.example/debian-security bookworm main\ndeb [arch=amd64] http://mirror.example/debian bookworm main\n'])).toBe('http://mirror.example/debian');
  expect(debianMirrorOf(['Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\n'])).toBe('https://mirror.example/debian');
  expect(debianMirrorOf(['# deb http://mirror.example/debian x main', 'URIs: http://other.example/ubuntu'])).toBeUndefined();
});

test('sums are read in text and binary form', () => {
  const sum = 'A'.repeat(64);
  expect(sumOf('x.tar.gz', `${sum}  x.tar.gz\n`)).toBe('a'.repeat(64));
  expect(sumOf('x.tar.gz', `${sum} *./x.tar.gz\r\n`)).toBe('a'.repeat(64));
  expect(sumOf('x.tar.gz', `${sum}  y-x.tar.gz\nnonsense x.tar.gz`)).toBeUndefined();
});

test('versions are compared by number, part for part', () => {
  expect(isOlder('2.9.10', '2.10.0')).toBe(true);
  expect(isOlder('2.10.0', '2.10.0')).toBe(false);
  expect(isOlder('10.0.0', '9.9.9')).toBe(false);
});

function searchIn(folder: string, options: Partial<NatsServerSearch>): NatsServerSearch {
  return { folder, environment: { PATH: '/usr/bin:/bin' }, without: ['PATH', 'Debian package', 'go install'], answerWithinMs: 2000, ...options };
}

/** Shell scripts that stand in for programs. */
function programs(folder: string, scripts: Record<string, string>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

interface Site extends AsyncDisposable { url: string; asked: string[] }
interface Faults { sum?: string; sumFor?: string; silent?: boolean; stopsInTheMiddle?: boolean }

/** A local server in place of the official releases. */
async function releaseSite(folder: string, faults: Faults = {}): Promise<Site> {
  const tree = join(folder, 'release');
  const inner = programs(join(tree, STEM), { 'nats-server': `echo nats-server: v${NATS_SERVER_TO_BRING}` });
  execFileSync('mv', [join(inner, 'nats-server'), join(tree, STEM, 'nats-server')]);
  execFileSync('tar', ['-czf', join(tree, 'archive.tar.gz'), '-C', tree, STEM]);
  const archive = readFileSync(join(tree, 'archive.tar.gz'));
  const sum = faults.sum ?? createHash('sha256').update(archive).digest('hex');
  return serve((path, respond) => {
    if (faults.silent === true) return;
    if (path === `/v${NATS_SERVER_TO_BRING}/SHA256SUMS`) respond(200, `${sum}  ${faults.sumFor ?? `${STEM}.tar.gz`}\n`);
    else if (path === `/v${NATS_SERVER_TO_BRING}/${STEM}.tar.gz`) respond(200, archive, faults.stopsInTheMiddle);
    else respond(404, 'not here');
  });
}

function unsignedMirror(): Promise<Site> {
  return serve((path, respond) => path.endsWith('/Release') ? respond(200, 'Origin: nobody\nSuite: trixie\nCodename: trixie\n') : respond(404, ''));
}

type Respond = (status: number, body: string | Buffer, cutShort?: boolean) => void;

async function serve(answer: (path: string, respond: Respond) => void): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request.url ?? '', (status, body, cutShort = false) => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
      if (cutShort) response.write(Buffer.from(body).subarray(0, 20));
      else response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, [Symbol.asyncDispose]: close };
}
