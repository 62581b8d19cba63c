/** How people name a snapshot: its id, the start of its id, `latest`, or its title. */
import { DreyError } from '../contracts/errors.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import type { Client } from './client.ts';

const wholeId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export async function snapshotId(client: Client, reference: string): Promise<string> {
  if (wholeId.test(reference)) return reference;
  const newest = await client.get<SnapshotSummary[]>('/v1/snapshots', { limit: 1000 });
  if (reference === 'latest') {
    const latest = newest.find((snapshot) => snapshot.kind === 'snapshot');
    if (latest === undefined) throw new DreyError('notFound', 'there is no snapshot yet: take one with `drey snapshot take TITLE`');
    return latest.id;
  }
  const lower = reference.toLowerCase();
  const fits = newest.filter(({ id, title }) => title === reference || (lower.length >= 4 && (id.startsWith(lower) || id.endsWith(lower))));
  if (fits.length === 1) return fits[0]!.id;
  if (fits.length === 0) throw new DreyError('notFound', `no snapshot has the id or title "${reference}"; parts of ids need 4 characters or more`);
  throw new DreyError('conflict', `"${reference}" fits ${fits.length} snapshots; give one of the ids`, { faults: fits.slice(0, 10).map(({ id, title }) => `${id}  ${title}`) });
}
