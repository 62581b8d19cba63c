/** Whether a value that was seen fires a trigger. Time is the IOC's, so that every host decides alike. */
import type { TriggerRule } from '../contracts/automation.ts';

export interface Seen {
  /** Texts and arrays as text: they can change, and no more. */
  readonly value: number | string;
  readonly timeNs: bigint;
}

export interface TriggerMemory {
  /** The value before; of `change` and `deadband` the one it is held against: first seen, then as it fired last. */
  readonly against: number | string;
  readonly firedNs: bigint | null;
}

/** The first value that is seen fires nothing: nobody knows where it came from. */
export const firstSight = ({ value }: Seen): TriggerMemory => ({ against: value, firedNs: null });

export function look(rule: TriggerRule, holdoffMs: number, memory: TriggerMemory, seen: Seen): { fires: boolean; memory: TriggerMemory } {
  const wants = matches(rule, memory.against, seen.value);
  const fires = wants && !isHeld(memory, holdoffMs, seen.timeNs);
  if (fires) return { fires, memory: { against: seen.value, firedNs: seen.timeNs } };
  // An edge is over when it has passed; a change that was held off is still one at the next update.
  return { fires, memory: rule.kind === 'rising' ? { ...memory, against: seen.value } : memory };
}

function matches(rule: TriggerRule, against: number | string, value: number | string): boolean {
  if (rule.kind === 'change') return !Object.is(against, value) && against !== value;
  if (typeof against === 'string' || typeof value === 'string') return false;
  return rule.kind === 'rising' ? against < rule.value && value >= rule.value : Math.abs(value - against) > rule.value || Number.isNaN(value) !== Number.isNaN(against);
}

/** An IOC whose clock was set back is not held off until it has caught up. */
function isHeld({ firedNs }: TriggerMemory, holdoffMs: number, timeNs: bigint): boolean {
  if (firedNs === null) return false;
  const sinceNs = timeNs - firedNs;
  return sinceNs >= 0n && sinceNs < BigInt(holdoffMs) * 1_000_000n;
}
