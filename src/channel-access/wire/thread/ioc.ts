/** One IOC in its CA thread: the first circuit and, when something is written, the one for puts. */
import { ReadOutcome } from '../../../contracts/values.ts';
import { after, now } from '../clock.ts';
import type { Command } from '../thread-messages.ts';
import type { ThreadContext } from './context.ts';
import type { Pulses } from './pulse.ts';
import { PutSession } from './put-session.ts';
import { Puts } from './puts.ts';
import { answerUnasked } from './read-answers.ts';
import { Session } from './session.ts';

type Of<Verb extends Command['do']> = Command & { readonly do: Verb };

export class Ioc {
  readonly #context: ThreadContext;
  readonly #address: string;
  readonly #pulses: Pulses;
  readonly #puts: Puts;
  #session: Session | undefined;
  #allowed = true;

  constructor(context: ThreadContext, address: string, pulses: Pulses) {
    this.#context = context;
    this.#address = address;
    this.#pulses = pulses;
    this.#puts = new Puts(context, () => this.#session?.circuit, (priority, hooks) => new PutSession(context, address, priority, hooks));
  }

  connect({ rows, names, monitor }: Of<'connect'>): void {
    rows.forEach((row, i) => {
      this.#context.nameOf.set(row, names[i]!);
      this.#context.monitored[row] = monitor[i]!;
    });
    this.#session ??= this.#open();
    this.#session.add(rows);
  }

  close(rows: Int32Array): void {
    this.#puts.remove(rows);
    this.#session?.remove(rows);
    for (const row of rows) this.#context.nameOf.delete(row);
    this.#context.outbox.report({ is: 'closed', rows });
  }

  read({ id, into, deadlineAt }: Of<'read'>): void {
    if (this.#session === undefined) answerUnasked(this.#context, id, into, ReadOutcome.disconnected);
    else this.#session.reads.ask(id, into, deadlineAt);
  }

  write(command: Of<'write'>): void {
    this.#puts.write(command);
  }

  prepare(rows: Int32Array): void {
    this.#puts.prepare(rows);
  }

  alive({ id, deadlineAt }: Of<'alive'>): void {
    const circuit = this.#session?.circuit;
    const answer = (alive: boolean): void => {
      clearTimeout(timer);
      // What came before the echo includes text and arrays that wait for the pulse.
      if (alive) this.#pulses.flushSide();
      this.#context.outbox.report({ is: 'alive', id, alive });
    };
    const timer = after(deadlineAt, () => {
      if (circuit?.abandonProbe(answer) === true) answer(false);
    });
    if (circuit?.isUp === true) circuit.probe(answer);
    else answer(false);
  }

  allow(allowed: boolean): void {
    this.#allowed = allowed;
    this.#session?.allow(allowed);
  }

  watch(at: number): void {
    this.#session?.circuit.watch(at);
    this.#puts.watch(at);
  }

  flow(behind: boolean): void {
    this.#session?.flow(behind);
  }

  /** The IOC's beacon counter fell back: whoever answers there now does not know these circuits. */
  restarted(): void {
    const circuit = this.#session?.circuit;
    if (circuit === undefined) return;
    const reason = 'the IOC has restarted';
    if (circuit.isSilent) {
      circuit.close(reason);
      return;
    }
    const answer = (): void => clearTimeout(timer);
    const timer = after(now() + this.#context.options.echoTimeoutMs, () => {
      if (circuit.abandonProbe(answer)) circuit.close(reason);
    });
    circuit.probe(answer);
  }

  stop(): void {
    this.#puts.stop();
    this.#session?.circuit.close('stopped');
  }

  #open(): Session {
    return new Session(this.#context, this.#address, this.#pulses, this.#allowed, {
      gone: (rows) => this.#puts.remove(rows),
      ended: (reason) => {
        this.#session = undefined;
        this.#puts.drop(reason);
      },
    });
  }
}
