/**
 * The first circuit of an IOC without any callback: whether its channels are connected, what they may
 * do, what has come is all found out by looking.
 */
import type { PackedValues } from '../../wire/packed-values.ts';
import type { Pulses, PulseSource } from '../../wire/thread/pulse.ts';
import type { PutSessionHooks } from '../../wire/thread/put-session.ts';
import type { PutCircuit } from '../../wire/thread/puts.ts';
import { now } from '../../wire/clock.ts';
import type { Pointer } from '../ffi.ts';
import type { FirstCircuit } from '../first-circuit.ts';
import { accessRights, gatherLossesMs, type Ioc } from '../ioc.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import { Descriptions } from './descriptions.ts';
import { Gets } from './gets.ts';
import { SweptPutCircuit } from './put-circuit.ts';
import { connected, Reads } from './reads.ts';
import { Sweeps, type SweptSides } from './sweeps.ts';

/** How often channels that are being created are looked at. */
const lookMs = 5;
/** In this time every channel is looked at for its connection and its access rights. */
const roundMs = 1_000;

export class SweptCircuit implements FirstCircuit, PulseSource {
  readonly ioc: string;
  updates = 0;
  readonly #served: Ioc<FirstCircuit>;
  readonly #context: SweptContext;
  readonly #pulses: Pulses;
  readonly #gets: Gets;
  readonly #reads: Reads;
  readonly #sweeps: Sweeps;
  readonly #descriptions: Descriptions;
  #puts: SweptPutCircuit | undefined;
  #lookedAt = 0;
  #lossSince: number | undefined;
  /** What of the live channels this round has not looked at yet. */
  #unseen: number[] = [];
  #watchedAt = now();
  #probing = false;

  constructor(context: SweptContext, served: Ioc<FirstCircuit>, pulses: Pulses, sides: SweptSides) {
    this.#context = context;
    this.#served = served;
    this.ioc = served.address;
    this.#pulses = pulses;
    this.#gets = new Gets(context, () => this.#readable(), () => this.#served.heard());
    this.#reads = new Reads(context, this.#gets);
    this.#sweeps = new Sweeps(context, this.#gets, sides, (updates) => this.#updated(updates));
    this.#descriptions = new Descriptions(context, this.ioc, this.#gets);
  }

  get waitingSince(): number | undefined {
    return this.#gets.waitingSince;
  }

  /** Answers that are due may be those of a channel that leaves. */
  get canClear(): boolean {
    return this.#gets.isIdle;
  }

  create(_slot: number, name: string, priority: number): Pointer {
    const { cells, native: { ca } } = this.#context;
    return ca.create_channel(name, 0, 0, priority, cells.base + cells.scratch) === 1 ? cells.scratchPointer() : 0;
  }

  connected(slot: number): void {
    const { slots, monitored } = this.#context;
    this.#descriptions.want(slot);
    if (monitored[slots.row[slot]!] === 1) this.#sweeps.add(slot, now());
  }

  readable(slot: number): void {
    this.#descriptions.want(slot);
  }

  left(slot: number): void {
    this.#sweeps.forget(slot);
  }

  clear(slot: number): void {
    const { slots, native: { ca } } = this.#context;
    ca.clear_channel(slots.channel[slot]!);
  }

  flush(): void {
    this.#context.flush();
  }

  read(id: number, into: PackedValues, deadlineAt: number): void {
    this.#reads.ask(id, into, deadlineAt);
  }

  probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    this.#gets.ask({
      begin: () => 0,
      send: () => false,
      settle: () => 0,
      end: (how) => {
        this.#probing = false;
        this.#served.probes.answer(how === 'done');
      },
    }, { urgent: true });
  }

  /** That takes a sweep. */
  catchUp(done: (alive: boolean) => void, deadlineAt: number): void {
    this.#sweeps.sweep(deadlineAt, done);
  }

  abandonCatchUp(done: (alive: boolean) => void): boolean {
    return this.#sweeps.abandon(done);
  }

  openPuts(priority: number, hooks: PutSessionHooks): PutCircuit {
    return (this.#puts = new SweptPutCircuit(this.#context, priority, hooks));
  }

  /** After libca has processed what came. */
  look(at: number): void {
    this.#gets.look(at);
    this.#puts?.look(at);
    if (at - this.#lookedAt < lookMs) return;
    this.#lookedAt = at;
    for (const slot of this.#served.creating) if (this.#isConnected(slot)) this.#served.connected(slot);
    this.#lookForLoss(at);
    const { isUp, isSilent } = this.#served;
    if (isUp && !isSilent && this.#sweeps.pump(at)) this.#descriptions.swept(this.#sweeps.slots);
    this.#descriptions.pump();
  }

  watch(at: number): void {
    this.look(at);
    if (this.#served.isUp) this.#lookAtSome(at);
  }

  drop(): void {
    this.#lossSince = undefined;
    this.#unseen = [];
    this.#descriptions.drop();
    this.#gets.drop();
  }

  #updated(updates: number): void {
    if (this.updates === 0) this.#pulses.wake(this);
    this.updates += updates;
  }

  #isConnected(slot: number): boolean {
    const { slots, native: { groups } } = this.#context;
    return groups.state(slots.channel[slot]!) === connected;
  }

  /** One channel tells whether the circuit stands. */
  #lookForLoss(at: number): void {
    const { live } = this.#served;
    if (this.#lossSince === undefined) {
      for (const slot of live) {
        if (!this.#isConnected(slot)) this.#lossSince = at;
        break;
      }
      if (this.#lossSince === undefined) return;
    }
    const losing = [...live].filter((slot) => !this.#isConnected(slot));
    if (losing.length < live.size && at - this.#lossSince < gatherLossesMs) return;
    this.#lossSince = undefined;
    this.#served.lose(losing);
  }

  /** Every channel has its turn once in a while: one may be lost alone, or its access rights change. */
  #lookAtSome(at: number): void {
    const { slots, native: { ca } } = this.#context;
    const { live } = this.#served;
    const share = Math.min(1, (at - this.#watchedAt) / roundMs);
    this.#watchedAt = at;
    if (this.#unseen.length === 0) this.#unseen = [...live];
    for (const slot of this.#unseen.splice(0, Math.ceil(share * live.size))) {
      if (slots.state[slot] !== SlotState.live || slots.owner[slot] !== this) continue;
      if (this.#isConnected(slot)) this.#served.access(slot, accessRights(ca, slots.channel[slot]!));
      else this.#lossSince ??= at;
    }
  }

  /** libca has no echo to send: any channel that may be read will do. */
  #readable(): { channel: number; native: number } | undefined {
    const { slots } = this.#context;
    for (const slot of this.#served.live) if ((slots.access[slot]! & 1) !== 0) return { channel: slots.channel[slot]!, native: slots.native[slot]! };
    return undefined;
  }
}
