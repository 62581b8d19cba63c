import { SimulatedClock } from 'xstate';
import { expect, test } from 'vitest';
import type { Caller } from '../access.ts';
import { createTickets, ticketLifeMs } from './tickets.ts';

const ada: Caller = { who: 'panel/ada', scopes: ['read'], keyId: 'k1' };

test('a ticket is good once, for whom it was issued', () => {
  const tickets = createTickets(new SimulatedClock());
  const { ticket } = tickets.issue(ada);
  expect(tickets.redeem(`${ticket}x`)).toBeUndefined();
  expect(tickets.redeem(ticket)).toBe(ada);
  expect(tickets.redeem(ticket)).toBeUndefined();
});

test('a ticket is good for half a minute', () => {
  const clock = new SimulatedClock();
  const tickets = createTickets(clock);
  const [used, late] = [tickets.issue(ada), tickets.issue(ada)];
  expect(Date.parse(late.expiresAt)).toBe(clock.now() + ticketLifeMs);
  clock.set(ticketLifeMs - 1);
  expect(tickets.redeem(used.ticket)).toBe(ada);
  clock.set(ticketLifeMs);
  expect(tickets.redeem(late.ticket)).toBeUndefined();
});

test('tickets that nobody redeems are forgotten, the oldest first', () => {
  const tickets = createTickets(new SimulatedClock());
  const issued = Array.from({ length: 10_002 }, () => tickets.issue(ada).ticket);
  expect(tickets.redeem(issued[0]!)).toBeUndefined();
  expect(tickets.redeem(issued.at(-1)!)).toBe(ada);
});
