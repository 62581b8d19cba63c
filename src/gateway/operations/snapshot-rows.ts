/** A snapshot's values as JSON in pieces, so that 50,000 rows neither wait for the last nor hold the loop. */
import type { SnapshotCell, SnapshotEntryRow, SnapshotPage } from '../../persistence/port.ts';
import { JsonBytes } from '../json-bytes.ts';
import { createSavedWriter, type SavedWriter } from '../saved-bytes.ts';
import { numberJson, textJson } from '../value-json.ts';

export function* snapshotJson(page: SnapshotPage, shown: { limit: number | null; offset: number }): Generator<Buffer, void, void> {
  const out = new JsonBytes();
  const writer = createSavedWriter(page.columns, page.metas, out);
  const { bytes, bounds } = framesOf(page);
  const head = JSON.stringify({ ...page.summary, totalCount: page.totalCount, ...shown });
  out.text(`${head.slice(0, -1)},"pvValues":[`);
  const { entries } = page;
  for (let at = 0; at < entries.length; at++) {
    const { setpoint, readback, config } = entries[at]!;
    if (at > 0) out.ascii(',');
    out.copy(bytes, bounds[2 * at], bounds[2 * at + 1]);
    writeCell(setpoint, writer, out);
    if (readback === null && config === null) out.ascii(',"readbackValue":null,"configValue":null,');
    else {
      out.ascii(',"readbackValue":');
      writeCell(readback, writer, out);
      out.ascii(',"configValue":');
      writeCell(config, writer, out);
      out.ascii(',');
    }
    writer.summary((setpoint ?? readback ?? config)?.row ?? -1);
    out.copy(bytes, bounds[2 * at + 1], bounds[2 * at + 2]);
    const full = out.taken();
    if (full.length > 0) yield* full;
  }
  out.ascii(']}');
  yield* out.finish();
}

function writeCell(cell: SnapshotCell | null, writer: SavedWriter, out: JsonBytes): void {
  if (cell === null || cell.row < 0) out.ascii('null');
  else writer.saved(cell.row);
}

/** What stands before and after the values of each entry, one after the other. */
interface Frames {
  readonly bytes: Buffer;
  /** Of entry i the part before ends at 2i+1, the part after at 2i+2. */
  readonly bounds: Uint32Array;
}

/** Snapshots of one catalogue have them in common. */
const kept = new WeakMap<object, Frames>();

function framesOf({ entries, catalogue }: SnapshotPage): Frames {
  const known = catalogue === undefined ? undefined : kept.get(catalogue);
  if (known !== undefined) return known;
  const out = new JsonBytes();
  const bounds = new Uint32Array(2 * entries.length + 1);
  entries.forEach((entry, at) => {
    out.text(before(entry));
    bounds[2 * at + 1] = out.length;
    out.text(after(entry));
    bounds[2 * at + 2] = out.length;
  });
  const frames = { bytes: Buffer.concat(out.finish()), bounds };
  if (catalogue !== undefined) kept.set(catalogue, frames);
  return frames;
}

const nameJson = (cell: SnapshotCell | null): string => (cell === null ? 'null' : textJson(cell.name));

const before = ({ entryId, setpoint, readback, config }: SnapshotEntryRow): string =>
  `{"pvId":"${entryId}","pvName":${textJson((setpoint ?? readback ?? config)?.name ?? '')},"setpointName":${nameJson(setpoint)},"readbackName":${nameJson(readback)},"configName":${nameJson(config)},"setpointValue":`;

const after = ({ absTolerance, relTolerance, readOnly, device, description, tags }: SnapshotEntryRow): string =>
  `,"absTolerance":${numberJson(absTolerance)},"relTolerance":${numberJson(relTolerance)},"readOnly":${readOnly},`
  + `"device":${textJson(device)},"description":${textJson(description)},"tags":${tags.length === 0 ? '[]' : JSON.stringify(tags)}}`;
