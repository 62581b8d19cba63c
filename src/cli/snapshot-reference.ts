/** How people name a snapshot: its id, the start of its id, `latest`, or its title. */
import { DreyError } from '../contracts/errors.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import type { Client } from './client.ts';
import { oneOf } from './reference.ts';

const wholeId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export async function snapshotId(client: Client, reference: string): Promise<string> {
  if (wholeId.test(reference)) return reference;
  const newest = await client.get<SnapshotSummary[]>('/v1/snapshots', { limit: 1000 });
  if (reference === 'latest') {
    const latest = newest.find((snapshot) => snapshot.kind === 'snapshot');
    if (latest === undefined) throw new DreyError('notFound', 'there is no snapshot yet: take one with `drey snapshot take TITLE`');
    return latest.id;
  }
  return oneOf(newest.map(({ id, title }) => ({ id, name: title })), reference, 'snapshot').id;
}
