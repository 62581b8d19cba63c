import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, run } from './command.ts';
import { download } from './download.ts';
import { NATS_SERVER_TO_BRING, type Bringer } from './nats-server-source.ts';

const OFFICIAL_RELEASES = 'https://github.com/nats-io/nats-server/releases/download';
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', ia32: '386', ppc64: 'ppc64le', s390x: 's390x' };

/** The release archive, used only if the release's own SHA256SUMS bears it out. */
export const natsServerFromRelease: Bringer = async ({ search, scratch, answerWithinMs, say }) => {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined || !['linux', 'darwin'].includes(process.platform)) {
    return { why: `no archive is known for ${process.platform} on ${process.arch}` };
  }
  const tag = `v${NATS_SERVER_TO_BRING}`;
  const base = `${search.releaseUrl ?? OFFICIAL_RELEASES}/${tag}`;
  const stem = `nats-server-${tag}-${process.platform}-${architecture}`;
  const archiveName = `${stem}.tar.gz`;

  const sums = await download(`${base}/SHA256SUMS`, { answerWithinMs });
  if ('why' in sums) return sums;
  const expected = sumOf(archiveName, sums.bytes.toString('utf8'));
  if (expected === undefined) return { why: `${base}/SHA256SUMS does not name ${archiveName}` };

  say(`fetching nats-server ${tag} from its release`);
  const archive = await download(`${base}/${archiveName}`, { answerWithinMs });
  if ('why' in archive) return archive;
  const actual = createHash('sha256').update(archive.bytes).digest('hex');
  if (actual !== expected) {
    return { why: `${archiveName} is not what was released: its SHA-256 is ${actual}, SHA256SUMS says ${expected}; it was thrown away` };
  }
  const path = join(scratch, archiveName);
  writeFileSync(path, archive.bytes);
  const unpacked = await run('tar', ['-xzf', path, '-C', scratch], { timeoutMs: 60_000, environment: search.environment });
  if (unpacked.code !== 0) return { why: failure('tar', unpacked) };
  return { program: join(scratch, stem, 'nats-server') };
};

/** The sum beside a file's name in the output format of sha256sum(1). */
export function sumOf(file: string, sums: string): string | undefined {
  for (const line of sums.split('\n')) {
    const [, sum, name] = /^([0-9a-fA-F]{64})\s+\*?(.+?)\s*$/.exec(line) ?? [];
    if (name?.replace(/^\.\//, '') === file) return sum?.toLowerCase();
  }
  return undefined;
}
