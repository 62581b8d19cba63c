/**
 * What src/bus/port.ts promises, as tests for any implementation. `start` gives a server of its own
 * that can be killed and brought back, and opens connections to it.
 */
import { describe } from 'vitest';
import type { BusServer } from './bus-server.ts';
import { messages } from './messages.ts';
import { kept } from './kept.ts';
import { keyValues } from './key-values.ts';
import { outages } from './outages.ts';

export function describeBus(name: string, start: () => Promise<BusServer>): void {
  describe(`bus on ${name}`, () => {
    messages(start);
    kept(start);
    keyValues(start);
    outages(start);
  });
}
