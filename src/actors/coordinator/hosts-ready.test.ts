import { expect, test } from 'vitest';
import type { HostBeat } from '../../contracts/work.ts';
import { systemClock } from '../../kernel/clock.ts';
import { hostsReady } from './hosts-ready.ts';

test('J1: a job that was taken up again says what it waits for, and waits no longer for a hung IOC', async () => {
  const beats = new Map<string, HostBeat>();
  const said: string[] = [];
  const beat = (connected: number, unresponsive: number): HostBeat => ({ host: 'h', startedAt: new Date().toISOString(), at: '', channels: 10, connected, unresponsive, catalogueRevision: 1 });
  await hostsReady({ beats }, systemClock, true, new AbortController().signal, (why) => {
    said.push(why);
    beats.set('h', said.length === 1 ? beat(4, 0) : beat(7, 3));
  });
  expect(said).toEqual(['waiting for an ioc-host to start', 'waiting for the search after a restart: 4 of 10 channels are connected']);
});
