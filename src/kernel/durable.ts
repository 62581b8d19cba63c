/**
 * Runs a durable XState machine: one without invokes and timers, whose named actions are effects that
 * are performed here and answer with events. Each change of state is kept (`save`) before effects of the
 * new state change anything, so that a crash at any moment leaves either the old state, whose effects are
 * repeatable, or the new one.
 */
import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine, type EventFromLogic, type InputFrom, type SnapshotFrom } from 'xstate';

export interface DurableOptions<M extends AnyStateMachine> {
  readonly machine: M;
  /** Where to begin: as kept by an earlier process, or from the machine's own beginning. */
  readonly from: { readonly input: InputFrom<M> } | { readonly value: string; readonly context: SnapshotFrom<M>['context'] };
  /** Keeps the state. A rejection ends the run: this process is no longer the one to go on. */
  save(snapshot: SnapshotFrom<M>): Promise<void>;
  /** Begins an effect; must not block. What comes of it is posted. */
  perform(effect: string, snapshot: SnapshotFrom<M>): void;
  /** States whose effects change nothing: they begin while the state is being kept. What comes of them waits for it. */
  readonly readsOnly?: readonly string[];
}

export interface Durable<M extends AnyStateMachine> {
  post(event: EventFromLogic<M>): void;
  /** The final snapshot; rejects when the state could not be kept, an effect could not begin, or with the reason of the halt. */
  readonly ended: Promise<SnapshotFrom<M>>;
  /** Ends the run where it is, without an effect more. */
  halt(reason: Error): void;
}

export function runDurable<M extends AnyStateMachine>({ machine, from, save, perform, readsOnly = [] }: DurableOptions<M>): Durable<M> {
  const events: EventFromLogic<M>[] = [];
  let halted: Error | undefined;
  let wake = (): void => {};

  const run = async (): Promise<SnapshotFrom<M>> => {
    // The caller gets its handle before the first effect may post to it.
    await Promise.resolve();
    let snapshot: SnapshotFrom<M>;
    let effects: string[];
    if ('input' in from) {
      const [first, actions] = initialTransition(machine, from.input);
      snapshot = first;
      effects = named(actions);
    } else {
      snapshot = machine.resolveState(from) as SnapshotFrom<M>;
      // A state that is taken up again begins its own effects again: they are repeatable.
      effects = entryEffects(machine, from.value);
    }
    let moved = true;
    for (;;) {
      const kept = moved ? save(snapshot) : Promise.resolve();
      // Awaited below; an effect that cannot begin ends the run before that.
      kept.catch(() => {});
      const early = readsOnly.includes(String(state(snapshot).value));
      if (!early) await kept;
      if (halted) throw halted;
      for (const effect of effects) perform(effect, snapshot);
      await kept;
      if (state(snapshot).status === 'done') return snapshot;
      while (events.length === 0 && !halted) await new Promise<void>((resume) => (wake = resume));
      if (halted) throw halted;
      const [next, actions] = transition(machine, snapshot, events.shift()!);
      moved = state(next).value !== state(snapshot).value || reentered(actions);
      snapshot = next;
      effects = named(actions);
    }
  };
  return {
    post: (event) => {
      events.push(event);
      wake();
    },
    ended: run(),
    halt: (reason) => {
      halted ??= reason;
      wake();
    },
  };
}

const state = (snapshot: unknown): AnyMachineSnapshot => snapshot as AnyMachineSnapshot;

type Actions = readonly { readonly type: string }[];

/** Actions of XState's own (assign is applied already) are no effects. */
const named = (actions: Actions): string[] => actions.filter((action) => !action.type.startsWith('xstate.')).map((action) => action.type);
const reentered = (actions: Actions): boolean => named(actions).length > 0;

function entryEffects(machine: AnyStateMachine, value: string): string[] {
  return (machine.root.states[value]?.entry ?? []).flatMap((action) => {
    const type = typeof action === 'string' ? action : 'type' in action ? String(action.type) : '';
    return type === '' || type.startsWith('xstate.') ? [] : [type];
  });
}
