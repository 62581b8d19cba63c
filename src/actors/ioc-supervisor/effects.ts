/** The only awaits of an IOC actor on the Channel Access port: probes, and the operations it admitted. */
import { type ChannelAccess, type WriteResult, WriteOutcome } from '../../channel-access/port.ts';
import type { BreakerState } from '../../contracts/iocs.ts';
import type { SnapshotMode } from '../../contracts/snapshots.ts';
import { ReadOutcome, unansweredColumns, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { judgeRead, judgeWrite, type Judgement } from './decide.ts';
import type { Admission, IocEvent } from './events.ts';

/** What an operation needs of the actor that admitted it. */
export interface IocDoor {
  readonly ioc: string;
  send(event: IocEvent): void;
  /** ms since 1970 of the last sign of life. */
  heardAt(): number;
  readonly rate: number;
}

export interface Answered {
  readonly columns: ValueColumns;
  /** Breaker before the operation. */
  readonly breaker: BreakerState;
  /** Why the IOC as a whole did not answer; null when it did. */
  readonly problem: string | null;
  readonly startedAt: number;
  readonly finishedAt: number;
}

export type Admitted = Extract<Admission, { go: true }>;

/** Asks the actor. An actor that is being restarted cannot answer, which is an answer too. */
export function ask(door: Pick<IocDoor, 'send'> | undefined, missing: string): Admission {
  let admission: Admission | undefined;
  door?.send({ type: 'op.ask', answer: (given) => (admission = given) });
  return admission ?? { go: false, state: 'open', problem: missing, nextProbeAt: null };
}

export function refused(rows: Int32Array, admission: Extract<Admission, { go: false }>, now: number): Answered {
  return { columns: unansweredColumns(rows, ReadOutcome.iocOpen), breaker: admission.state, problem: admission.problem, startedAt: now, finishedAt: now };
}

export function createIocEffects(port: ChannelAccess, clock: Pick<Clock, 'now'>) {
  const report = (door: IocDoor, admitted: Admitted, judgement: Judgement, reason: string): void => {
    if (judgement === 'ignored') return;
    if (judgement === 'ok') door.send({ type: 'op.ok', generation: admitted.generation });
    else door.send({ type: 'op.failed', generation: admitted.generation, silent: judgement === 'silent', reason });
  };

  async function read(door: IocDoor, admitted: Admitted, rows: Int32Array, deadlineMs: number, mode: SnapshotMode): Promise<Answered> {
    const startedAt = clock.now();
    const columns = mode === 'live' ? await port.read(door.ioc, rows, deadlineMs) : await monitored(door.ioc, rows, deadlineMs);
    const finishedAt = clock.now();
    const heard = door.heardAt() > startedAt + (finishedAt - startedAt) / 2;
    const judgement = judgeRead(columns.outcome, heard, door.rate);
    const silence = `no answer to a read of ${rows.length} channels within ${deadlineMs} ms`;
    report(door, admitted, judgement, judgement === 'silent' ? silence : `a read of ${rows.length} channels timed out in large part`);
    return { columns, breaker: admitted.state, problem: judgement === 'silent' || (judgement === 'failed' && heard) ? silence : null, startedAt, finishedAt };
  }

  /** S1: what monitors left in the columns counts only if the IOC is seen to be alive now. */
  async function monitored(ioc: string, rows: Int32Array, deadlineMs: number): Promise<ValueColumns> {
    const alive = await port.alive(ioc, deadlineMs);
    const columns = port.monitored(rows);
    if (alive) return columns;
    const silent = unansweredColumns(columns.channel, ReadOutcome.timeout);
    for (let i = 0; i < columns.length; i++) {
      const outcome = columns.outcome[i]!;
      if (outcome !== ReadOutcome.ok && outcome !== ReadOutcome.noUpdateYet) silent.outcome[i] = outcome;
    }
    return silent;
  }

  async function write(
    door: IocDoor, admitted: Admitted, rows: Int32Array, values: ValueColumns, options: { deadlineMs: number; window: number },
  ): Promise<WriteResult> {
    const result = await port.write(door.ioc, rows, values, options);
    const lost = result.outcome.filter((outcome) => outcome === WriteOutcome.lost).length;
    report(door, admitted, judgeWrite(result.outcome), `the circuit was lost under ${lost} writes`);
    return result;
  }

  /** Own, small and harmless: a few connected scalars, or an echo where nothing is connected yet. */
  async function probe(ioc: string, rows: Int32Array, deadlineMs: number): Promise<boolean> {
    if (rows.length === 0) return await port.alive(ioc, deadlineMs);
    const { outcome } = await port.read(ioc, rows, deadlineMs);
    return judgeRead(outcome, false, 1) === 'ok';
  }

  return { read, write, probe };
}
export type IocEffects = ReturnType<typeof createIocEffects>;
