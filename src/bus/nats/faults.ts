/** What goes wrong with NATS, in the words of contracts/errors.ts. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors, type MsgHdrs } from '@nats-io/nats-core';
import { DreyError, errorStatus, type ErrorBody } from '../../contracts/errors.ts';

/** Codes of the JetStream API (`err_code`). */
const wrongSequence = new Set([10071, 10164]);
const missing = new Set([10014, 10059]);

/** `what` was tried, for the sentence: "request to drey.v1.live.read". */
export function dreyError(fault: unknown, what: string, connected: boolean): DreyError {
  if (fault instanceof DreyError) return fault;
  const options = { cause: fault };
  const reason = fault instanceof Error ? fault.message : String(fault);
  const causes = [fault, fault instanceof Error ? fault.cause : undefined];
  const is = (kind: new (...args: never[]) => Error): boolean => causes.some((cause) => cause instanceof kind);

  // The library's word for a publish that no stream takes; openLink() has checked that JetStream is there.
  if (fault instanceof Error && fault.name === 'JetStreamNotEnabled') return new DreyError('unavailable', `${what}: no stream takes it (was ensureTopology() run?)`, options);
  if (is(errors.NoRespondersError)) return new DreyError('unavailable', `${what}: nobody is there to answer`, options);
  if (is(errors.ClosedConnectionError) || is(errors.DrainingConnectionError)) return new DreyError('unavailable', `${what}: the connection to NATS is closed`, options);
  if (is(errors.TimeoutError)) {
    return connected ? new DreyError('timeout', `${what}: no answer in time`, options) : new DreyError('unavailable', `${what}: the connection to NATS is down`, options);
  }
  if (is(errors.PermissionViolationError)) return new DreyError('unavailable', `${what}: the NATS server does not permit it to this user (${reason})`, options);
  if (is(errors.InvalidSubjectError)) return new DreyError('badInput', `${what}: ${reason}`, options);
  if (fault instanceof JetStreamApiError) {
    if (wrongSequence.has(fault.code)) return new DreyError('conflict', `${what}: it was changed meanwhile`, options);
    if (missing.has(fault.code)) return new DreyError('unavailable', `${what}: ${reason}`, options);
    // 503 of the API: JetStream is still starting, or short of space.
    if (fault.status === 503) return new DreyError('unavailable', `${what}: ${reason}`, options);
  }
  return connected ? new DreyError('internal', `${what}: ${reason}`, options) : new DreyError('unavailable', `${what}: the connection to NATS is down (${reason})`, options);
}

/** Headers of the NATS services convention, so that any client sees a refusal as one. */
const codeHeader = 'Nats-Service-Error-Code';
const textHeader = 'Nats-Service-Error';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly body: Uint8Array;
}

/** What an answerer threw, as an answer. Unexpected faults keep their details for the log. */
export function refusal(fault: unknown): Refusal {
  const body: ErrorBody = fault instanceof DreyError ? fault.body : { code: 'internal', detail: `an unexpected fault: ${fault instanceof Error ? fault.message : String(fault)}` };
  return { status: errorStatus[body.code], text: oneLine(body.detail), body: encoder.encode(JSON.stringify(body)) };
}

export function setRefusal(headers: MsgHdrs, { status, text }: Refusal): void {
  headers.set(codeHeader, String(status));
  headers.set(textHeader, text);
}

/** The error that an answer carries, if it is a refusal. */
export function refused(headers: MsgHdrs | undefined, data: Uint8Array): DreyError | undefined {
  if (!headers?.has(codeHeader)) return undefined;
  try {
    const body = JSON.parse(decoder.decode(data)) as ErrorBody;
    if (body.code in errorStatus) return DreyError.from(body);
  } catch {
    // An answerer that is not Drey: its headers say enough.
  }
  return new DreyError('internal', headers.get(textHeader) || `refused with ${headers.get(codeHeader)}`);
}

/** Header values end at a line's end. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').slice(0, 500);
}
