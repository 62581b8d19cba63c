/** The channel dictionary from whichever coordinator answers, page by page. */
import { subjects } from '../../contracts/subjects.ts';
import { json, type Bus } from '../../bus/port.ts';
import type { DictionaryRow } from './channel-table.ts';

export interface Dictionary {
  readonly revision: number;
  readonly rows: readonly DictionaryRow[];
}

interface Page {
  readonly revision: number;
  readonly channels: readonly DictionaryRow[];
  readonly more: boolean;
}

/** A page of names of the greatest length stays below 8 MB. */
const pageRows = 20_000;
const pageTimeoutMs = 5_000;

/**
 * If the catalogue changes between two pages the older revision is reported, so that the change is fetched again.
 * `ahead` hears of each page when the next one is on its way.
 */
export async function fetchDictionary(bus: Bus, ahead: (rows: readonly DictionaryRow[]) => void = () => {}): Promise<Dictionary> {
  const rows: DictionaryRow[] = [];
  let revision = Infinity;
  const ask = (after: number): Promise<Uint8Array> => {
    const page = bus.request(subjects.catalogueChannels, json.encode({ after, limit: pageRows }), pageTimeoutMs);
    // Looked at when the page before has been taken.
    page.catch(() => {});
    return page;
  };
  let coming = ask(0);
  for (let after = 0; ; ) {
    const page = json.decode<Page>(await coming);
    revision = Math.min(revision, page.revision);
    for (const row of page.channels) rows.push(row);
    const last = page.channels.at(-1);
    const more = page.more && last !== undefined;
    if (more) {
      if (last[0] <= after) throw new Error(`the dictionary page after channel ${after} ends at channel ${last[0]}: ids must rise`);
      after = last[0];
      coming = ask(after);
    }
    ahead(page.channels);
    if (!more) return { revision, rows };
  }
}
