/** Differences between two snapshots, in pages. The rule is snapshots/compare.ts, and the store applies it. */
import { z } from 'zod';
import { jsonValue } from '../../contracts/restores.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { SnapshotStore } from '../../persistence/port.ts';
import { numericDifference } from '../../snapshots/compare.ts';
import { jsonNumber, jsonValueOf } from '../../snapshots/json-values.ts';

const side = z.enum(['differs', 'onlyIn1', 'onlyIn2']);

export const comparison = z.object({
  snapshot1Id: z.string(),
  snapshot2Id: z.string(),
  differences: z.array(z.object({
    pvId: z.string(),
    pvName: z.string().describe('name of the channel that differs'),
    role: z.enum(['setpoint', 'readback', 'config']).describe('which channel of the entry'),
    verdict: side.describe('onlyIn1: the second snapshot has no value for it'),
    value1: jsonValue,
    value2: jsonValue,
    difference: z.union([z.number(), z.string()]).nullable().describe('value2 - value1 of numbers, in units; else null'),
    units: z.string().nullable(),
    withinTolerance: z.literal(false),
  })),
  matchCount: z.number().int().describe('channels that are the same'),
  differenceCount: z.number().int().describe('channels that differ, in all pages'),
  limit: z.number().int(),
  offset: z.number().int(),
});

export function createComparisonOperations({ snapshots }: { snapshots: SnapshotStore }) {
  return {
    compare: async (first: string, second: string, { limit, offset }: { limit: number; offset: number }): Promise<z.output<typeof comparison>> => {
      const { differences, columnsA, columnsB, metas, matchCount, differenceCount } = await snapshots.compare(first, second);
      const rows = differences.slice(offset, offset + limit).map(({ entryId, role, name, rowA, rowB }) => {
        const inA = rowA >= 0 && columnsA.outcome[rowA] === ReadOutcome.ok;
        const inB = rowB >= 0 && columnsB.outcome[rowB] === ReadOutcome.ok;
        const meta = metas.get(inA ? columnsA.metaHash[rowA]! : inB ? columnsB.metaHash[rowB]! : 0n);
        const difference = numericDifference(columnsA, rowA, columnsB, rowB);
        return {
          pvId: entryId,
          pvName: name,
          role,
          verdict: inA && inB ? ('differs' as const) : inA ? ('onlyIn1' as const) : ('onlyIn2' as const),
          value1: jsonValueOf(columnsA, rowA),
          value2: jsonValueOf(columnsB, rowB),
          difference: difference === null ? null : jsonNumber(difference),
          units: meta?.units ?? null,
          withinTolerance: false as const,
        };
      });
      return { snapshot1Id: first, snapshot2Id: second, differences: rows, matchCount, differenceCount, limit, offset };
    },
  };
}
export type ComparisonOperations = ReturnType<typeof createComparisonOperations>;
