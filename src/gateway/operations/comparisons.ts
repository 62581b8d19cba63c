/** What differs between snapshots, or between one and the machine now. The rule is snapshots/compare.ts. */
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import { snapshotMode } from '../../contracts/snapshots.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Comparable, CompareOptions, NamedRole, SnapshotStore, TagStore } from '../../persistence/port.ts';
import { compareColumns, rowOfChannel, type ColumnComparison } from '../../snapshots/compare-columns.ts';
import { comparedMany, comparedPair, manyRow, pairRow, type Shown } from './compared-rows.ts';
import type { LiveValues } from './live-values.ts';
import { devicesThen, tagIds } from './references.ts';

const mostSnapshots = 20;

/** `all`: the rows that are the same too. */
export interface Wanted {
  readonly limit: number;
  readonly offset: number;
  readonly all?: boolean | undefined;
  readonly search?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly absTolerance?: number | undefined;
  readonly relTolerance?: number | undefined;
}

const counts = {
  matchCount: z.number().int().describe('channels that are the same'),
  differenceCount: z.number().int().describe('channels that differ, in all pages'),
  onlyIn1Count: z.number().int().describe('of those that differ: the second has no value, such as a PV that cannot be read now'),
  onlyIn2Count: z.number().int().describe('of those that differ: only the first has no value'),
  missingCount: z.number().int().describe('channels without a value on both sides: neither the same nor different'),
  totalCount: z.number().int().describe('rows in all pages'),
  limit: z.number().int(),
  offset: z.number().int(),
};

export const comparison = z.object({ snapshot1Id: z.string(), snapshot2Id: z.string(), differences: z.array(comparedPair), ...counts });
export const liveComparison = z.object({
  snapshot1Id: z.string(),
  snapshot2Id: z.null().describe('value2 is the live value'),
  comparedAt: z.string().describe('ISO 8601'),
  mode: snapshotMode,
  differences: z.array(comparedPair),
  ...counts,
});
export const manyIds = z.array(z.string().min(1).max(255)).min(2).max(mostSnapshots);
export const manyComparison = z.object({ snapshotIds: z.array(z.string()).describe('in the order of values; each is held against the first'), differences: z.array(comparedMany), ...counts });

export interface ComparisonDeps {
  readonly snapshots: SnapshotStore;
  readonly tags: Pick<TagStore, 'groups'>;
  readonly live: LiveValues;
  readonly clock: Clock;
}

export function createComparisonOperations({ snapshots, tags, live, clock }: ComparisonDeps) {
  /** What is asked for, its names found; a name that is none is refused. */
  const optionsOf = async (ids: readonly string[], { search, tags: tagged = [], devices = [], absTolerance, relTolerance }: Wanted): Promise<CompareOptions> => {
    const chosenTags = tagged.length === 0 ? [] : await tagIds(await tags.groups(), tagged, (old) => snapshots.tagsThen(old));
    const chosenDevices = devices.length === 0 ? [] : await devicesThen(snapshots, ids, devices);
    return {
      filter: { ...(search === undefined ? {} : { search }), ...(chosenTags.length === 0 ? {} : { tags: chosenTags }), ...(chosenDevices.length === 0 ? {} : { devices: chosenDevices }) },
      tolerance: { ...(absTolerance === undefined ? {} : { abs: absTolerance }), ...(relTolerance === undefined ? {} : { rel: relTolerance }) },
    };
  };

  /** The page of what was found: only its rows are named and written. */
  const pageOf = async <Row>(found: Comparable, { rows, ...counted }: ColumnComparison, wanted: Wanted, write: (named: NamedRole, at: number) => Row) => {
    refuseNothing(wanted, counted);
    const { limit, offset } = wanted;
    const named = (await found.name(rows)).map((role, i) => ({ role, at: rows[i]! }));
    // They mostly come by name.
    if (named.some(({ role }, i) => i > 0 && role.name < named[i - 1]!.role.name)) named.sort((x, y) => (x.role.name < y.role.name ? -1 : x.role.name > y.role.name ? 1 : 0));
    return { differences: named.slice(offset, offset + limit).map(({ role, at }) => write(role, at)), ...counted, totalCount: rows.length, limit, offset };
  };

  const pairs = async (found: Comparable, second: ValueColumns, metas: Shown['metas'], wanted: Wanted) => {
    const [first] = found.columns as [ValueColumns];
    const shown: Shown = { first, second, metas };
    const compared = compareColumns(found, first, [second], (hash) => metas.get(hash), wanted.all);
    return pageOf(found, compared, wanted, (role, at) => {
      const channel = found.channel[at]!;
      return pairRow(role, rowOfChannel(first, channel), rowOfChannel(second, channel), { abs: found.abs[at]!, rel: found.rel[at]! }, shown);
    });
  };

  return {
    compare: async (first: string, second: string, wanted: Wanted): Promise<z.output<typeof comparison>> => {
      const found = await snapshots.comparable([first, second], await optionsOf([first, second], wanted));
      return { snapshot1Id: first, snapshot2Id: second, ...(await pairs(found, found.columns[1]!, found.metas, wanted)) };
    },

    /** Only channels that the snapshot captured: what it does not hold cannot have changed since. */
    compareLive: async (id: string, wanted: Wanted, reading: { mode: z.output<typeof snapshotMode>; deadlineMs: number }): Promise<z.output<typeof liveComparison>> => {
      const found = await snapshots.comparable([id], await optionsOf([id], wanted));
      const captured = Int32Array.from(new Set(found.channel.filter((channel) => rowOfChannel(found.columns[0]!, channel) >= 0))).sort();
      const now = await live.read(captured, reading);
      const metas = { get: (hash: bigint) => found.metas.get(hash) ?? now.metas.get(hash) };
      return { snapshot1Id: id, snapshot2Id: null, comparedAt: new Date(clock.now()).toISOString(), mode: reading.mode, ...(await pairs(found, now.columns, metas, wanted)) };
    },

    compareMany: async (ids: readonly string[], wanted: Wanted): Promise<z.output<typeof manyComparison>> => {
      const twice = ids.find((id, at) => ids.indexOf(id) !== at);
      if (twice !== undefined) throw new DreyError('invalid', `snapshot ${twice} is there twice: compare each with the first once`);
      const found = await snapshots.comparable(ids, await optionsOf(ids, wanted));
      const [first, ...others] = found.columns as [ValueColumns, ...ValueColumns[]];
      const compared = compareColumns(found, first, others, (hash) => found.metas.get(hash), wanted.all);
      const page = await pageOf(found, compared, wanted, (role, at) => manyRow(role, found.channel[at]!, found.columns, { abs: found.abs[at]!, rel: found.rel[at]! }, found.metas));
      return { snapshotIds: [...ids], ...page };
    },
  };
}
export type ComparisonOperations = ReturnType<typeof createComparisonOperations>;

/** "No differences" among nothing would be taken for good news. */
function refuseNothing({ search, tags = [], devices = [] }: Wanted, { matchCount, differenceCount, missingCount }: Pick<ColumnComparison, 'matchCount' | 'differenceCount' | 'missingCount'>): void {
  if (matchCount + differenceCount + missingCount > 0) return;
  const filter = [
    ...(search === undefined || search === '' ? [] : [`search ${JSON.stringify(search)}`]),
    ...(tags.length === 0 ? [] : [`tags ${tags.join(', ')}`]),
    ...(devices.length === 0 ? [] : [`devices ${devices.join(', ')}`]),
  ];
  if (filter.length > 0) throw new DreyError('notFound', `the filter selects none of the channels that were captured, so nothing was compared: ${filter.join('; ')}`);
}
