// How each thing that Drey needs beside itself is looked for: a list of sources in order, the first
// that has it wins, and what every source answered is kept for `drey doctor` and for the error.

export interface Tried { source: string; outcome: string }

export interface SearchReport {
  name: string;
  /** Where it is: a program, or a folder of programs. Absent when no source had it. */
  found?: string;
  /** What to put in front of the arguments to run it. */
  command?: readonly string[];
  version?: string;
  source?: string;
  tried: Tried[];
}

export type Answer =
  | { path: string; version: string; command?: readonly string[]; /** Where it came from at first. */ from?: string }
  | { why: string };

export interface Source {
  name: string;
  /** True when asking changes the disk: such a source is only asked when bringing, not when inspecting. */
  brings: boolean;
  ask(): Promise<Answer>;
}

export interface SearchOptions {
  /** The folder everything is brought under. */
  folder: string;
  /** Variables of the environment: PATH, EPICS_BASE and the like. */
  environment: Record<string, string | undefined>;
  /** Told before anything that may take more than a second. */
  say?: (line: string) => void;
}

export class NotFound extends Error {
  readonly report: SearchReport;
  constructor(report: SearchReport, advice: string) {
    const tried = report.tried.map(({ source, outcome }) => `\n  - ${source}: ${outcome}`).join('');
    super(`${report.name} was not found. Tried, in this order:${tried}\n${advice}`);
    this.name = 'NotFound';
    this.report = report;
  }
}

export async function search(name: string, sources: readonly Source[], bring: boolean): Promise<SearchReport> {
  const tried: Tried[] = [];
  for (const source of sources) {
    if (source.brings && !bring) {
      tried.push({ source: source.name, outcome: 'not asked: it would be fetched at the first start' });
      continue;
    }
    const answer = await source.ask().catch((fault: unknown): Answer => ({ why: String(fault instanceof Error ? fault.message : fault) }));
    if ('why' in answer) {
      tried.push({ source: source.name, outcome: answer.why });
      continue;
    }
    tried.push({ source: source.name, outcome: `found ${answer.version}` });
    return {
      name, found: answer.path, command: answer.command ?? [answer.path], version: answer.version,
      source: answer.from === undefined ? source.name : `${source.name}: ${answer.from}`, tried,
    };
  }
  return { name, tried };
}

/** A whole answer or an exception that lists what was tried. */
export function mustBeFound(report: SearchReport, advice: string): SearchReport & { found: string; command: readonly string[]; version: string } {
  const { found, command, version } = report;
  if (found === undefined || command === undefined || version === undefined) throw new NotFound(report, advice);
  return { ...report, found, command, version };
}
