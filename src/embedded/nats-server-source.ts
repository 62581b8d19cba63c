import type { SearchOptions } from './found.ts';

/** Below this, a bucket's time to live and several filter subjects are missing or silently ignored. */
export const OLDEST_NATS_SERVER = '2.10.0';
/** The version that is fetched where a version can be chosen. */
export const NATS_SERVER_TO_BRING = '2.12.15';

export interface NatsServerSearch extends SearchOptions {
  /** A program to use and nothing else (DREY_NATS_SERVER). */
  override?: string;
  /** Where releases are, without the tag (DREY_NATS_RELEASE_URL). */
  releaseUrl?: string;
  /** How long a source may stay silent before the next one is asked. */
  answerWithinMs?: number;
  /** A Debian mirror to use in place of the machine's own. */
  debianMirror?: string;
  /** Sources to leave out, by name. */
  without?: readonly NatsServerSource[];
}
export type NatsServerSource = 'PATH' | 'brought before' | 'official release' | 'Debian package' | 'go install';

/** What a source of a download is given. It leaves a program at the path that it returns. */
export interface Bringing {
  search: NatsServerSearch;
  /** An empty folder for its work, removed afterwards. */
  scratch: string;
  answerWithinMs: number;
  say: (line: string) => void;
}
export type Bringer = (bringing: Bringing) => Promise<{ program: string } | { why: string }>;
