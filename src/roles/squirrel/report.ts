/** What a migration did: copied, there already, left out and why. */
export interface Tally {
  read: number;
  copied: number;
  /** Of an earlier run, or made by people. */
  there: number;
  readonly skipped: string[];
}

export interface MigrationReport {
  readonly dryRun: boolean;
  readonly tagGroups: Tally;
  readonly tags: Tally;
  readonly pvs: Tally;
  readonly keys: Tally;
  readonly snapshots: Tally;
  /** Rows of the snapshots copied. */
  values: number;
  /** What was copied otherwise than it stood. */
  readonly notes: string[];
}

const tally = (): Tally => ({ read: 0, copied: 0, there: 0, skipped: [] });

export const emptyReport = (dryRun: boolean): MigrationReport => ({ dryRun, tagGroups: tally(), tags: tally(), pvs: tally(), keys: tally(), snapshots: tally(), values: 0, notes: [] });

const mostLines = 50;

export function reportLines(report: MigrationReport): string[] {
  const parts: [string, Tally][] = [['tag groups', report.tagGroups], ['tags', report.tags], ['PVs', report.pvs], ['API keys', report.keys], ['snapshots', report.snapshots]];
  const verb = report.dryRun ? 'to copy' : 'copied';
  const lines = parts.map(([what, { read, copied, there, skipped }]) => `${what}: ${read} found, ${copied} ${verb}, ${there} there already, ${skipped.length} left out`);
  lines.push(`values of snapshots: ${report.values} ${verb}`);
  const listed = (head: string, all: readonly string[]): void => {
    for (const line of all.slice(0, mostLines)) lines.push(`  ${head}: ${line}`);
    if (all.length > mostLines) lines.push(`  ${head}: and ${all.length - mostLines} more`);
  };
  for (const [what, { skipped }] of parts) listed(`${what} left out`, skipped);
  listed('note', report.notes);
  return lines;
}
