/**
 * The requests for a set of rows, encoded once and sent again and again: only the request ids change
 * between two sweeps. So is all of the answer that does not come from the IOC: rows that cannot be
 * asked have their outcome here already.
 */
import { AccessBits, ReadOutcome, ValueKind } from '../../../contracts/values.ts';
import { ChannelState } from '../../columns.ts';
import { Command, countZeroVersion } from '../protocol/commands.ts';
import { kindOfNative, timeForm, timePayload } from '../protocol/dbr.ts';
import { headerSizeFor, writeHeader } from '../protocol/header.ts';
import { outcomeOfState } from '../outcome-of-state.ts';
import { ChannelFlag } from './channel-flags.ts';
import { type Channels, SlotState } from './channels.ts';
import type { ThreadContext } from './context.ts';

export interface PreparedSweep {
  readonly rows: Int32Array;
  /** {@link Channels.version} that this holds for. */
  readonly version: number;
  readonly requests: Buffer;
  readonly view: DataView;
  /** Where the id of request i lies in `requests`; -1 when row i is not asked. */
  readonly idAt: Int32Array;
  readonly asked: number;
  /** Outcome before any answer: pending where asked. */
  readonly outcome: Uint8Array;
  readonly kind: Uint8Array;
  readonly access: Uint8Array;
  readonly hashWords: Uint32Array;
  readonly native: Uint8Array;
  readonly flags: Uint8Array;
  /** The requests are still being written. */
  sending: boolean;
}

export function prepareSweep(context: ThreadContext, channels: Channels, minor: number, rows: Int32Array): PreparedSweep {
  const { length } = rows;
  const { columns } = context;
  const outcome = new Uint8Array(length);
  const kind = new Uint8Array(length);
  const access = new Uint8Array(length);
  const hashWords = new Uint32Array(2 * length);
  const native = new Uint8Array(length);
  const flags = new Uint8Array(length);
  const idAt = new Int32Array(length).fill(-1);
  const count = (slot: number): number => (minor >= countZeroVersion ? 0 : channels.elements[slot]!);

  let size = 0;
  let asked = 0;
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const slot = channels.slot(row);
    const state = unaskedOutcome(context, channels, slot, row);
    outcome[i] = state;
    if (columns.state[row] === ChannelState.connected) access[i] = columns.access[row]! | AccessBits.known;
    if (state !== ReadOutcome.pending) continue;
    native[i] = channels.native[slot]!;
    flags[i] = channels.flags[slot]!;
    kind[i] = (flags[i]! & ChannelFlag.longText) !== 0 ? ValueKind.text : kindOfNative[native[i]!]!;
    hashWords[2 * i] = context.hashWords[2 * row]!;
    hashWords[2 * i + 1] = context.hashWords[2 * row + 1]!;
    idAt[i] = size + 12;
    size += headerSizeFor(0, count(slot));
    asked++;
  }

  const requests = Buffer.allocUnsafeSlow(size);
  const view = new DataView(requests.buffer);
  for (let i = 0; i < length; i++) {
    if (idAt[i]! < 0) continue;
    const slot = channels.slot(rows[i]!);
    writeHeader(view, idAt[i]! - 12, Command.readNotify, 0, native[i]! + timeForm, count(slot), channels.sid[slot]!, 0);
  }
  return { rows: rows.slice(), version: channels.version, requests, view, idAt, asked, outcome, kind, access, hashWords, native, flags, sending: false };
}

/** Why a row is not asked, or pending when it can be. */
function unaskedOutcome(context: ThreadContext, channels: Channels, slot: number, row: number): ReadOutcome {
  if (slot < 0 || slot >= channels.used || channels.row[slot] !== row || channels.state[slot] !== SlotState.live) {
    return outcomeOfState(context.columns.state[row] ?? ChannelState.free);
  }
  if ((channels.access[slot]! & 1) === 0) return ReadOutcome.noReadAccess;
  if (timePayload(channels.native[slot]!, channels.elements[slot]!) > context.payloadLimit) return ReadOutcome.tooLarge;
  return ReadOutcome.pending;
}

export function sameRows(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
