/**
 * The CA threads. An IOC stays with its thread; a new one goes to the thread with the fewest. A
 * thread that dies is replaced, after a pause that grows while it keeps dying.
 */
import { Worker } from 'node:worker_threads';
import { backoffMs } from '../../../kernel/backoff.ts';
import type { ColumnBuffers } from '../../columns.ts';
import type { CaOptions, IocAddress } from '../../port.ts';
import { Counter, countersOf, newCounters, pulsesTaken } from '../counters.ts';
import { transfersOf } from '../packed-values.ts';
import { endTenure, newTenure } from '../tenure.ts';
import type { Command, Report, ThreadSetting } from '../thread-messages.ts';

/** The program of a thread, and what its implementation tells it beside the common setting. */
export interface ThreadProgram {
  readonly module: URL;
  readonly own?: unknown;
  /** See the port. */
  readonly lacks?: readonly string[];
  /** A thread of this number has died, and no other has been started for it yet. */
  readonly died?: (thread: number) => void;
  /** How long a thread has to end by itself before it is ended from outside, ms. */
  readonly stopMs?: number;
}

export interface CrewListener {
  reports(reports: readonly Report[]): void;
  /** A thread died; what it held of these IOCs is lost. */
  exited(reason: string, iocs: readonly IocAddress[]): void;
}

interface Member {
  readonly number: number;
  readonly counters: SharedArrayBuffer;
  readonly iocs: Set<IocAddress>;
  /** Of its present worker. */
  tenure: SharedArrayBuffer;
  /** Undefined between a death and the replacement. */
  worker: Worker | undefined;
  /** Commands that came while there was no worker. */
  waiting: Command[];
  deaths: number;
  startedAt: number;
}

const wireProgram: ThreadProgram = { module: new URL('../thread/thread.ts', import.meta.url) };
const stopMs = 2000;
const settledMs = 60_000;

export class Crew {
  readonly #options: CaOptions;
  readonly #columns: ColumnBuffers;
  readonly #listener: CrewListener;
  readonly #program: ThreadProgram;
  readonly #members: Member[] = [];
  readonly #memberOf = new Map<IocAddress, Member>();
  #stopping = false;

  constructor(options: CaOptions, columns: ColumnBuffers, listener: CrewListener, program: ThreadProgram = wireProgram) {
    this.#options = options;
    this.#columns = columns;
    this.#listener = listener;
    this.#program = program;
    for (let number = 0; number < Math.max(1, options.threads); number++) {
      const member: Member = { number, counters: newCounters(), iocs: new Set(), tenure: newTenure(), worker: undefined, waiting: [], deaths: 0, startedAt: 0 };
      this.#members.push(member);
      this.#start(member);
    }
  }

  /** Sends a command to the thread of the IOC it names, giving the IOC a thread if it has none. */
  post(command: Exclude<Command, { do: 'stop' }>): void {
    const member = this.#memberOf.get(command.ioc) ?? this.#assign(command.ioc);
    if (member.worker === undefined) member.waiting.push(command);
    else hand(member.worker, command);
  }

  knows(ioc: IocAddress): boolean {
    return this.#memberOf.has(ioc);
  }

  /** One pulse of this IOC's thread has been taken. */
  pulseTaken(thread: number): void {
    Atomics.add(pulsesTaken(this.#members[thread]!.counters), 0, 1);
  }

  /** Sum of a counter over all threads. */
  count(which: keyof typeof Counter): number {
    let sum = 0;
    for (const { counters } of this.#members) sum += countersOf(counters)[Counter[which]]!;
    return sum;
  }

  /** Ends the worker of an IOC as a fault would: for tests. */
  async crash(ioc: IocAddress): Promise<void> {
    await this.#memberOf.get(ioc)?.worker?.terminate();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await Promise.all(this.#members.map(({ worker }) => (worker === undefined ? undefined : halt(worker, this.#program.stopMs ?? stopMs))));
    for (const { tenure } of this.#members) endTenure(tenure);
  }

  #assign(ioc: IocAddress): Member {
    const member = this.#members.reduce((least, next) => (next.iocs.size < least.iocs.size ? next : least));
    member.iocs.add(ioc);
    this.#memberOf.set(ioc, member);
    return member;
  }

  #start(member: Member): void {
    member.tenure = newTenure();
    const setting: ThreadSetting = { options: this.#options, columns: this.#columns, counters: member.counters, tenure: member.tenure, thread: member.number, own: this.#program.own };
    const worker = new Worker(this.#program.module, { workerData: setting, name: `ca-${member.number + 1}` });
    member.worker = worker;
    member.startedAt = performance.now();
    let reason = '';
    worker.on('message', (reports: readonly Report[]) => this.#listener.reports(reports));
    worker.on('error', (error: Error) => (reason = error.stack ?? error.message));
    worker.on('exit', (code) => this.#exited(member, worker, reason === '' ? `CA thread ${member.number + 1} ended with code ${code}` : reason));
    for (const command of member.waiting.splice(0)) hand(worker, command);
  }

  #exited(member: Member, worker: Worker, reason: string): void {
    if (this.#stopping || member.worker !== worker) return;
    member.worker = undefined;
    endTenure(member.tenure);
    member.deaths = performance.now() - member.startedAt > settledMs ? 0 : member.deaths + 1;
    countersOf(member.counters)[Counter.circuits] = 0;
    this.#program.died?.(member.number);
    const iocs = [...member.iocs];
    this.#listener.exited(reason, iocs);
    const pause = member.deaths <= 1 ? 0 : backoffMs(member.deaths, { baseMs: 100, maxMs: 30_000 }, Math.random());
    setTimeout(() => {
      if (!this.#stopping) this.#start(member);
    }, pause);
  }
}

/** What an answer is to be written into goes over; everything else is copied. */
function hand(worker: Worker, command: Command): void {
  worker.postMessage(command, command.do === 'read' ? transfersOf(command.into) : []);
}

function halt(worker: Worker, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => void worker.terminate(), patienceMs);
    worker.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    worker.postMessage({ do: 'stop' } satisfies Command);
  });
}
