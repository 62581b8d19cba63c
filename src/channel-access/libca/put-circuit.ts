/**
 * One life of an IOC's circuit for puts: the same channels once more, at a priority of their own, which
 * gives them a TCP circuit of their own. The sink holds the window: it sends the next puts when some
 * have completed, and this thread looks at what became of them when all have, or when a deadline passes.
 * Everything else that decides about puts is shared with the other client.
 */
import { WriteOutcome } from '../port.ts';
import { now } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import { Eca } from '../wire/protocol/commands.ts';
import { timeForm } from '../wire/protocol/dbr.ts';
import type { PutJob } from '../wire/thread/put-job.ts';
import type { PutSessionHooks } from '../wire/thread/put-session.ts';
import type { PutCircuit } from '../wire/thread/puts.ts';
import { connectionUp, longestPiece, type Memory, Purpose, RequestState } from './memory.ts';
import { Probes } from './probes.ts';
import { PutRun } from './put-run.ts';
import { writePut } from './put-value.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';

/** After so long without a completion the window is looked at while puts wait: the sink waits for half of it, which slow records may never free. */
const nudgeMs = 10;

export class LibcaPutCircuit implements PutCircuit {
  readonly queues = true;
  readonly circuit: PutCircuit['circuit'];
  readonly #context: LibcaContext;
  readonly #priority: number;
  readonly #hooks: PutSessionHooks;
  readonly #batch: number;
  readonly #puts: number;
  readonly #awaited = new Set<number>();
  readonly #slots = new Set<number>();
  #runs: PutRun[] = [];
  /** In the memory's list, not yet handed to the sink. */
  #listed = 0;
  #lastReceivedAt = now();
  readonly #probes = new Probes();
  #nudge: NodeJS.Timeout | undefined;
  #over = false;

  constructor(context: LibcaContext, priority: number, hooks: PutSessionHooks) {
    const { memory } = context;
    const batch = aBatch(memory);
    this.#context = context;
    this.#priority = priority;
    this.#hooks = hooks;
    this.#batch = batch;
    this.#puts = memory.puts(batch);
    context.counters[Counter.circuits]! += 1;
    const received = (): number => Math.max(this.#lastReceivedAt, memory.putsHeardAt(this.#puts));
    this.circuit = {
      get lastReceivedAt() { return received(); },
      watch: () => {},
      close: (reason) => this.#close(reason),
      probe: (done) => this.#probe(done),
      abandonProbe: (done) => this.#probes.abandon(done),
    };
  }

  get inFlight(): number {
    return this.#context.memory.putsUnderWay(this.#puts);
  }

  get isOwed(): boolean {
    return this.#context.memory.putsOwed(this.#puts);
  }

  get isFull(): boolean {
    return this.#context.memory.putsAreFull(this.#puts);
  }

  create(rows: ArrayLike<number>): void {
    const { slots, memory, lane, slotOf, nameOf } = this.#context;
    let created = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slot = slotOf[row]! - 1;
      if (slot < 0 || slots.putChannel[slot] !== 0 || slots.state[slot] !== SlotState.live) continue;
      const cell = memory.cell(slot, Purpose.putChannel);
      memory.prepare(cell, { token: memory.slotToken(slot, Purpose.putChannel) });
      slots.putChannel[slot] = lane.create(nameOf.get(row)!, cell, this.#priority);
      if (slots.putChannel[slot] === 0) continue;
      this.#slots.add(slot);
      this.#awaited.add(row);
      created++;
    }
    if (created > 0) lane.flush();
  }

  remove(rows: Int32Array): void {
    this.flush();
    for (const row of rows) this.#forget(this.#context.slotOf[row]! - 1);
  }

  isAwaited(row: number): boolean {
    return this.#awaited.has(row);
  }

  busySince(row: number): number | undefined {
    const slot = this.#context.slotOf[row]! - 1;
    if (slot < 0) return undefined;
    const { memory } = this.#context;
    const request = memory.request(slot);
    switch (memory.requestState(request)) {
      case RequestState.free: return undefined;
      case RequestState.queued: return now();
      case RequestState.sent:
      case RequestState.givenUp: return memory.requestSentAt(request);
      default:
        // Completed, and nobody has looked yet.
        this.collect();
        memory.setRequestState(request, RequestState.free);
        return undefined;
    }
  }

  fill(job: PutJob): void {
    for (;;) {
      const taken = this.#runOf(job).fill(job.next, this.#listed, longestPiece - this.#listed);
      this.#listed += taken;
      job.next += taken;
      if (this.#listed < longestPiece) return;
      this.flush();
    }
  }

  put(job: PutJob, i: number): WriteOutcome {
    const { slots, memory, slotOf } = this.#context;
    const slot = slotOf[job.rows[i]!]! - 1;
    if (slot < 0 || slots.putLive[slot] === 0) return WriteOutcome.disconnected;
    if ((slots.access[slot]! & 2) === 0) return WriteOutcome.noWriteAccess;
    const run = this.#runOf(job);
    if (!writePut(this.#context, job, i, slot, run.batch)) return WriteOutcome.doesNotFit;
    run.add(slot, i);
    memory.setRequestState(memory.request(slot), RequestState.queued);
    memory.setListed(this.#listed++, slot);
    if (this.#listed === longestPiece) this.flush();
    return WriteOutcome.pending;
  }

  /** Hands to the sink what was put since, and has it send what the window allows. */
  flush(): void {
    if (this.#over) return;
    const { lane, memory } = this.#context;
    const refused = lane.put(this.#puts, this.#listed);
    lane.flush();
    this.#listed = 0;
    if (refused > 0) this.collect();
    if (memory.putsWait(this.#puts)) this.#nudge ??= setInterval(() => this.#look(), nudgeMs);
    else this.#rest();
  }

  /** While completions come, the sink sends enough. */
  #look(): void {
    const { memory } = this.#context;
    if (!memory.putsWait(this.#puts)) this.#rest();
    else if (now() - memory.putsHeardAt(this.#puts) >= nudgeMs) this.flush();
  }

  /** Tells the jobs what was sent, and what became of it. */
  collect(): void {
    // What is not waited for any more has been handed over with its columns.
    for (const run of this.#runs) if (run.job.left > 0) this.#context.counters[Counter.writes]! += run.look();
    if (this.#runs.every(({ job }) => job.left > 0)) return;
    for (const { job, batch } of this.#runs) if (job.left === 0) this.#context.memory.returnBatch(batch);
    this.#runs = this.#runs.filter(({ job }) => job.left > 0);
  }

  /** Takes back what of a job was not sent. */
  revoke(job: PutJob, outcome: WriteOutcome): void {
    const { memory, lane } = this.#context;
    this.flush();
    for (const run of this.#runs) {
      if (run.job !== job) continue;
      // From the end: what is sent meanwhile comes from the start.
      for (let k = run.length - 1; k >= run.noted; k--) {
        const request = memory.request(run.slots[k]!);
        if (memory.requestState(request) === RequestState.queued && lane.unqueue(request)) job.settle(run.indices[k]!, outcome);
      }
    }
    this.collect();
  }

  giveUp(row: number): void {
    const slot = this.#context.slotOf[row]! - 1;
    if (slot >= 0) this.#context.lane.letGo(this.#context.memory.request(slot), false);
  }

  discard(): void {
    this.#end();
  }

  /** From the ring: the state of a put channel, or its access rights, have changed. */
  channelChanged(slot: number): void {
    const { memory, slots } = this.#context;
    if (this.#over || slots.putChannel[slot] === 0) return;
    const cell = memory.cell(slot, Purpose.putChannel);
    this.#lastReceivedAt = now();
    if (memory.count(cell) > 0) {
      // libca tells it for each channel; the first one tells it of the circuit.
      this.#close('the circuit for puts was lost');
      return;
    }
    if (memory.status(cell) !== connectionUp || slots.putLive[slot] === 1) return;
    slots.putLive[slot] = 1;
    this.#awaited.delete(slots.row[slot]!);
  }

  /** After a turn in which something of this circuit came out of the ring. */
  settled(): void {
    if (!this.#over) this.#hooks.progress();
  }

  #runOf(job: PutJob): PutRun {
    const last = this.#runs.at(-1);
    if (last?.job === job) return last;
    const { memory, lane, onBatch } = this.#context;
    const run = new PutRun(memory, lane, aBatch(memory), job);
    memory.setLeft(run.batch, 0);
    onBatch.set(run.batch, () => {
      if (this.#over) return;
      this.collect();
      this.#hooks.progress();
    });
    this.#runs.push(run);
    return run;
  }

  #probe(done: (alive: boolean) => void): void {
    const { slots, lane, aside, memory, rouse } = this.#context;
    this.#probes.add(done);
    const slot = [...this.#slots].find((each) => slots.putLive[each] === 1 && (slots.access[each]! & 1) !== 0);
    if (slot === undefined) return;
    aside.ask(rouse, (cell) => lane.get(slots.native[slot]! + timeForm, 1, slots.putChannel[slot]!, cell), (cell) => {
      if (this.#over || memory.status(cell) === Eca.disconnected) return;
      this.#lastReceivedAt = now();
      this.#probes.answer(true);
    });
    lane.flush();
  }

  #close(reason: string): void {
    if (this.#over) return;
    this.#end();
    this.#hooks.down(reason);
  }

  #end(): void {
    if (this.#over) return;
    for (const { job } of this.#runs) this.revoke(job, WriteOutcome.disconnected);
    this.#over = true;
    this.#rest();
    for (const slot of [...this.#slots]) this.#forget(slot);
    this.#probes.answer(false);
    const { counters, memory } = this.#context;
    counters[Counter.circuits]! -= 1;
    memory.returnBatch(this.#batch);
    for (const { batch } of this.#runs.splice(0)) memory.returnBatch(batch);
  }

  #rest(): void {
    clearInterval(this.#nudge);
    this.#nudge = undefined;
  }

  #forget(slot: number): void {
    if (slot < 0 || !this.#slots.delete(slot)) return;
    const { slots, lane, memory } = this.#context;
    const request = memory.request(slot);
    // Taken back first: the sink must not send on a channel that is gone.
    const unsent = memory.requestState(request) === RequestState.queued && lane.unqueue(request);
    lane.clear(slots.putChannel[slot]!);
    slots.putChannel[slot] = 0;
    slots.putLive[slot] = 0;
    this.#awaited.delete(slots.row[slot]!);
    this.collect();
    if (memory.requestState(request) !== RequestState.free) lane.letGo(request, true);
    for (const { job, slots: queued, indices, length } of this.#runs) {
      const k = queued.subarray(0, length).lastIndexOf(slot);
      if (k >= 0) job.settle(indices[k]!, unsent ? WriteOutcome.disconnected : WriteOutcome.lost);
    }
  }
}

function aBatch(memory: Memory): number {
  const batch = memory.takeBatch();
  if (batch === undefined) throw new Error('too many IOCs for one thread of the libca client');
  return batch;
}
