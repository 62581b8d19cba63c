import { join } from 'node:path';
import { failure, onPath, run } from './command.ts';
import { NATS_SERVER_TO_BRING, type Bringer } from './nats-server-source.ts';

const MODULE = 'github.com/nats-io/nats-server/v2';
/** An older Go cannot build the newest: down to the oldest that will do. */
const VERSIONS = [NATS_SERVER_TO_BRING, '2.11.17', '2.10.27'];

export const natsServerFromGo: Bringer = async ({ search, scratch, answerWithinMs, say }) => {
  const go = onPath('go', search.environment, ['/usr/local/go/bin']);
  if (go === undefined) return { why: 'no go on PATH' };
  // Folders of our own: Go needs none from HOME then, and leaves nothing behind.
  const environment = {
    ...search.environment,
    GOPATH: join(scratch, 'path'), GOCACHE: join(scratch, 'cache'), GOBIN: join(scratch, 'bin'),
    GOMODCACHE: join(scratch, 'path', 'pkg', 'mod'), GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local', CGO_ENABLED: '0',
  };
  const refusals: string[] = [];
  for (const version of VERSIONS) {
    // Asking for the version alone is a small request: it tells silence from slow work.
    const known = await run(go, ['list', '-m', `${MODULE}@v${version}`], { timeoutMs: 2 * answerWithinMs, environment, cwd: scratch });
    if (known.code !== 0) {
      refusals.push(failure(`go list v${version}`, known));
      if (known.fault !== undefined) break;
      continue;
    }
    say(`building nats-server v${version} with Go; this takes about half a minute`);
    const built = await run(go, ['install', `${MODULE}@v${version}`], { timeoutMs: 300_000, environment, cwd: scratch });
    if (built.code === 0) return { program: join(scratch, 'bin', 'nats-server') };
    refusals.push(failure(`go install v${version}`, built));
  }
  return { why: refusals.join('; ') };
};
