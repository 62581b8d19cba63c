/** What is told when a restore has ended: counts, and the first failures by name. */
import { RestoreOutcome, restoreOutcomeNames } from '../../contracts/restores.ts';
import type { CatalogueStore } from '../../persistence/port.ts';
import { reasonName, reasonSentence } from '../../snapshots/restore-sentence.ts';
import type { Ledger } from './ledger.ts';

export interface RestoreResult {
  readonly totalPVs: number;
  /** Written, verified, or there already. */
  readonly successCount: number;
  /** Failed, held, or unknown. */
  readonly failureCount: number;
  readonly unknownCount: number;
  readonly skippedCount: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** The first 50. */
  readonly failures: readonly { pvId: string | null; pvName: string; error: string }[];
}

const failing = new Set<number>([RestoreOutcome.failed, RestoreOutcome.held, RestoreOutcome.unknown]);
const mostFailures = 50;

export async function resultOf(ledger: Ledger, channels: Int32Array, catalogue: CatalogueStore): Promise<RestoreResult> {
  const counts = new Array<number>(restoreOutcomeNames.length).fill(0);
  const failed: number[] = [];
  ledger.outcome.forEach((outcome, row) => {
    counts[outcome]! += 1;
    if (failing.has(outcome) && failed.length < mostFailures) failed.push(row);
  });
  const of = (outcome: RestoreOutcome): number => counts[outcome]!;
  const failedChannels = Int32Array.from(failed, (row) => channels[row]!);
  const [names, infos] = failed.length === 0 ? [[], []] : await Promise.all([catalogue.names(failedChannels), catalogue.setpoints(failedChannels)]);
  const entryOf = new Map(infos.map((info) => [info.channel, info.entryId]));
  return {
    totalPVs: channels.length,
    successCount: of(RestoreOutcome.written) + of(RestoreOutcome.verified) + of(RestoreOutcome.unchanged),
    failureCount: of(RestoreOutcome.failed) + of(RestoreOutcome.held) + of(RestoreOutcome.unknown),
    unknownCount: of(RestoreOutcome.unknown),
    skippedCount: of(RestoreOutcome.skipped),
    outcomes: Object.fromEntries(counts.flatMap((count, outcome) => (count > 0 ? [[restoreOutcomeNames[outcome]!, count]] : []))),
    failures: failed.map((row, at) => ({ pvId: entryOf.get(channels[row]!) ?? null, pvName: names[at]!, error: reasonSentence(reasonName(ledger.why[row]!), ledger.code[row]!) })),
  };
}
