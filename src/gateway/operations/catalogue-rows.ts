/** A file of catalogue entries as rows with their lines, some at a time, so that a file of any length takes little memory and no other's time. */
import { newCatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { checkInput } from '../../contracts/input-faults.ts';
import { createCatalogueCsvReader, type CatalogueRow } from '../../formats/catalogue-csv.ts';
import { createTextReader, textOfFile } from '../../formats/file-text.ts';
import type { Macros } from '../../formats/macros.ts';
import { readCatalogue, type CatalogueFormat } from '../../formats/registry.ts';
import { inTurns } from '../../kernel/in-turns.ts';
import type { FileSays } from '../../persistence/port.ts';

export type Body = AsyncIterable<Uint8Array>;

const megabyte = 1024 * 1024;
/** Rows of CSV are taken as they come; other formats are read whole. */
const mostBytes = { csv: 1024 * megabyte, whole: 128 * megabyte };
const rowsAtOnce = 1_000;
/** Bytes that a row may have before its line ends. */
const longestLine = megabyte;

const othersFirst = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `knownGroups`: names of the tag groups there are, in lower case. `hear`: told at the end what the columns were. Reads the body to its end, whatever is wrong with it: the sender listens only then. */
export async function* rowsOfCsv(body: Body, knownGroups: ReadonlySet<string>, hear: (says: FileSays) => void): AsyncGenerator<CatalogueRow[]> {
  const text = createTextReader(longestLine);
  const csv = createCatalogueCsvReader(knownGroups);
  let unreadable: string | undefined;
  for await (const piece of limited(body, mostBytes.csv)) {
    if (unreadable !== undefined) continue;
    const read = text.push(piece);
    if ('fault' in read) unreadable = read.fault;
    else yield [...csv.push(read.text)];
    await othersFirst();
  }
  const rest = unreadable === undefined ? text.push(new Uint8Array(), true) : { fault: unreadable };
  if ('fault' in rest) throw notText(rest.fault);
  const last = [...csv.push(rest.text), ...csv.end()];
  hear(csv.says);
  yield last;
}

export async function* rowsOfFile(body: Body, format: Exclude<CatalogueFormat, 'csv'>, macros: Macros): AsyncGenerator<CatalogueRow[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of limited(body, mostBytes.whole)) pieces.push(piece);
  const text = textOfFile(Buffer.concat(pieces));
  if ('fault' in text) throw notText(text.fault);
  const { entries, lines, faults } = await inTurns(readCatalogue(format, text.text, { macros }));
  // These formats stand or fall as a whole; their faults may name other files than the first, so they keep their own words.
  if (faults.length > 0) throw new DreyError('badInput', `the file has faults, nothing was registered: ${faults[0]}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`, { faults: faults.slice(0, 100) });
  for (let at = 0; at < entries.length; at += rowsAtOnce) {
    yield entries.slice(at, at + rowsAtOnce).map((entry, i): CatalogueRow => {
      const { data, faults: misfits } = checkInput(newCatalogueEntry, entry);
      const line = lines[at + i]!;
      return data === undefined ? { line, fault: misfits.join('; ') } : { line, entry: data };
    });
    await othersFirst();
  }
}

const notText = (fault: string): DreyError => new DreyError('badInput', `the file cannot be read, nothing was registered: ${fault}`, { faults: [fault] });

async function* limited(body: Body, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > most) throw new DreyError('tooLarge', `the file is larger than the ${most / megabyte} MB that are taken at once: cut it up`);
      yield piece;
    }
  } catch (error) {
    if (error instanceof DreyError) throw error;
    throw new DreyError('badInput', `the file was cut off after ${bytes} bytes: ${error instanceof Error ? error.message : String(error)}`);
  }
}
