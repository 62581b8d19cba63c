/** The monitored values as they stand in the shared columns. */
import { AccessBits, emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../../contracts/values.ts';
import { Access, ChannelState, type ChannelColumns } from '../../columns.ts';
import { outcomeOfState } from '../outcome-of-state.ts';
import type { SideValues } from './side-values.ts';

/** Whether the value of a connected row lies beside the columns. */
function isBeside(columns: ChannelColumns, row: number): boolean {
  return columns.kind[row] === ValueKind.text || columns.elements[row]! > 1;
}

export function monitoredValues(columns: ChannelColumns, side: SideValues, rows: Int32Array): ValueColumns {
  const values = emptyValueColumns(rows.length);
  values.channel.set(rows);
  const words = (column: BigInt64Array): Uint32Array => new Uint32Array(column.buffer, column.byteOffset, 2 * column.length);
  const timeTo = words(values.timeNs);
  const timeFrom = words(columns.timeNs);
  const hashTo = words(values.metaHash);
  const hashFrom = words(columns.metaHash);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const outcome = standing(columns, row);
    values.outcome[i] = outcome;
    if (columns.state[row] === ChannelState.connected) values.access[i] = columns.access[row]! | AccessBits.known;
    if (outcome !== ReadOutcome.ok) continue;
    if (isBeside(columns, row)) {
      if (!side.has(row)) {
        values.outcome[i] = ReadOutcome.noUpdateYet;
        continue;
      }
      side.put(row, values, timeTo, i);
    } else if (!copyConsistent(columns, row, values, timeFrom, timeTo, i)) {
      values.outcome[i] = ReadOutcome.disconnected;
      continue;
    }
    values.kind[i] = columns.kind[row]!;
    hashTo[2 * i] = hashFrom[2 * row]!;
    hashTo[2 * i + 1] = hashFrom[2 * row + 1]!;
  }
  return values;
}

function standing(columns: ChannelColumns, row: number): ReadOutcome {
  const state = columns.state[row] ?? ChannelState.free;
  if (state !== ChannelState.connected) return outcomeOfState(state);
  if ((columns.access[row]! & Access.read) === 0) return ReadOutcome.noReadAccess;
  return columns.updates[row] === 0 ? ReadOutcome.noUpdateYet : ReadOutcome.ok;
}

/** A writer holds a row for some ns; one that was halted in the middle must not halt the reader too. */
const mostTries = 2_000_000;

/** Reads again until no update fell in between (see columns.ts); false when its thread died in the middle of one. */
function copyConsistent(
  columns: ChannelColumns, row: number, values: ValueColumns, timeFrom: Uint32Array, timeTo: Uint32Array, i: number,
): boolean {
  const { sequence } = columns;
  for (let tries = 0; tries < mostTries; tries++) {
    const before = Atomics.load(sequence, row);
    if ((before & 1) !== 0) continue;
    timeTo[2 * i] = timeFrom[2 * row]!;
    timeTo[2 * i + 1] = timeFrom[2 * row + 1]!;
    values.num[i] = columns.num[row]!;
    values.severity[i] = columns.severity[row]!;
    values.status[i] = columns.status[row]!;
    if (Atomics.load(sequence, row) === before) return true;
  }
  return false;
}
