/** Squirrel's saved values ({value, status, severity, timestamp, units, precision} as JSON) as rows of ours. */
import { ReadOutcome, statusNames, type ChannelMeta } from '../../contracts/values.ts';
import { pythonValue } from '../../formats/psi-snap.ts';
import { Float, parsePythonJson } from '../../formats/python-json.ts';
import { noValue, type FileValue } from '../../formats/snapshot-file.ts';

/** 1990-01-01, from which EPICS counts. */
const epicsEpoch = 631_152_000;
const day = 86_400;

const numberOf = (value: unknown): number | undefined => (value instanceof Float ? value.value : typeof value === 'number' ? value : undefined);

/** `takenAt`, s since 1970: a stamp a day after its snapshot was counted from 1970, as some of its clients do. */
export function savedValue(text: string | null, takenAt: number): FileValue | string {
  if (text === null) return noValue();
  const parsed = parsePythonJson(text);
  const { value, status, severity, timestamp, units, precision } = typeof parsed === 'object' && parsed !== null && 'value' in parsed ? (parsed as Record<string, unknown>) : ({ value: parsed } as Record<string, unknown>);
  const read = pythonValue(value ?? null);
  if (typeof read === 'string' || read.outcome !== undefined && read.outcome !== ReadOutcome.ok) return read;
  const meta: ChannelMeta = { ...(typeof units === 'string' && units !== '' ? { units } : {}), ...(numberOf(precision) === undefined ? {} : { precision: numberOf(precision)! }) };
  const level = numberOf(severity);
  const alarm = numberOf(status);
  return {
    ...read,
    timeNs: timeOf(timestamp, takenAt),
    severity: level !== undefined && level >= 0 && level <= 3 ? level : 0,
    status: alarm !== undefined && Number.isInteger(alarm) && alarm >= 0 && alarm < statusNames.length ? alarm : 0,
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
  };
}

function timeOf(timestamp: unknown, takenAt: number): bigint {
  if (typeof timestamp === 'string') {
    const ms = Date.parse(timestamp);
    return Number.isNaN(ms) ? 0n : BigInt(ms) * 1_000_000n;
  }
  const seconds = numberOf(timestamp);
  if (seconds === undefined || !Number.isFinite(seconds) || seconds <= 0 || seconds > 1e11) return 0n;
  const since1970 = seconds + epicsEpoch > takenAt + day ? 0 : epicsEpoch;
  const whole = Math.floor(seconds);
  // A double of seconds is good for a microsecond at most.
  return BigInt(whole + since1970) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e6)) * 1_000n;
}
