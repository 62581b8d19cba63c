/** Circuit breakers as the Squirrel contract shows them: one per IOC, the state of its actor. */
import { z } from 'zod';
import type { BreakerState, IocView } from '../../contracts/iocs.ts';
import type { Caller } from '../access.ts';
import type { IocOperations } from './iocs.ts';

const circuit = z.object({
  name: z.string().describe('host:port of the IOC'),
  state: z.enum(['closed', 'open', 'half_open']),
  failure_count: z.number().int().describe('in the rolling window'),
  success_count: z.number().int(),
  call_count: z.number().int(),
  last_failure: z.string().nullable().describe('always null: see reason'),
  opened_at: z.string().nullable().describe('ISO 8601; null while closed'),
  reason: z.string().describe('why it is in this state'),
  forced_by: z.string().nullable(),
  next_probe_at: z.string().nullable().describe('when an open breaker tries again, ISO 8601'),
});

export const circuitList = z.object({
  open_circuit_count: z.number().int(),
  total_circuits: z.number().int(),
  open_circuits: z.array(z.string()),
  circuits: z.array(circuit),
});
export const circuitCommand = z.strictObject({ reason: z.string().trim().min(1).max(1000).optional().describe('goes to the audit log') }).nullish();
export const circuitDone = z.object({ success: z.literal(true), message: z.string() });

const states: Record<BreakerState, z.output<typeof circuit>['state']> = { closed: 'closed', observing: 'closed', open: 'open', forcedOpen: 'open', halfOpen: 'half_open' };

function view(ioc: IocView): z.output<typeof circuit> {
  const state = states[ioc.state];
  const { calls, failures } = ioc.window;
  return {
    name: ioc.name, state, failure_count: failures, success_count: calls - failures, call_count: calls, last_failure: null,
    opened_at: state === 'closed' ? null : ioc.since, reason: ioc.reason, forced_by: ioc.forcedBy, next_probe_at: ioc.nextProbeAt,
  };
}

export function createCircuitOperations(iocs: IocOperations) {
  return {
    list: async (): Promise<z.output<typeof circuitList>> => {
      const circuits = (await iocs.list()).iocs.map(view);
      const open = circuits.filter(({ state }) => state === 'open').map(({ name }) => name);
      return { open_circuit_count: open.length, total_circuits: circuits.length, open_circuits: open, circuits };
    },

    force: async (caller: Caller, name: string, command: 'open' | 'close', reason: string | undefined): Promise<z.output<typeof circuitDone>> => {
      const after = await iocs.command(caller, name, { command, reason: reason ?? `asked to ${command} its circuit, without a reason` });
      return { success: true, message: `the circuit of ${after.name} is ${states[after.state]}: ${after.reason}` };
    },
  };
}
export type CircuitOperations = ReturnType<typeof createCircuitOperations>;
