/** Tickets for browsers, which cannot send a header with a WebSocket: good for one connection within a short time. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { Caller } from '../access.ts';

export interface Tickets {
  issue(caller: Caller): { ticket: string; expiresAt: string };
  /** Who asked for it; undefined when it is not known, used already, or too old. */
  redeem(ticket: string): Caller | undefined;
}

export const ticketLifeMs = 30_000;
/** Far more than browsers that connect within the life of a ticket. */
const mostTickets = 10_000;

export function createTickets(clock: Clock): Tickets {
  const open = new Map<string, { caller: Caller; until: number }>();
  return {
    issue: (caller) => {
      const now = clock.now();
      for (const [ticket, { until }] of open) {
        if (until > now && open.size < mostTickets) break;
        open.delete(ticket);
      }
      const ticket = randomBytes(24).toString('base64url');
      open.set(ticket, { caller, until: now + ticketLifeMs });
      return { ticket, expiresAt: new Date(now + ticketLifeMs).toISOString() };
    },
    redeem: (ticket) => {
      const found = open.get(ticket);
      open.delete(ticket);
      return found && found.until > clock.now() ? found.caller : undefined;
    },
  };
}
