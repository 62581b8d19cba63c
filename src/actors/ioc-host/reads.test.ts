import { expect, test } from 'vitest';
import type { Bus, WorkMessage } from '../../bus/port.ts';
import { decodeFrame, encodeLeanFrame } from '../../contracts/frame.ts';
import { emptyValueColumns, ReadOutcome, unansweredColumns } from '../../contracts/values.ts';
import type { ReadAnswer, ReadItem } from '../../contracts/work.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable } from './channel-table.ts';
import { createReadServer, type ReadServerDeps } from './reads.ts';

const items = 6;

/** A host whose IOCs answer at once, and each answer with the turn of the loop in which it went out. */
function host() {
  let turn = 0;
  let counting = true;
  const count = (): void => void setImmediate(() => {
    turn += 1;
    if (counting) count();
  });
  count();
  const answers: { turn: number; item: number; rows: number }[] = [];
  const deps = {
    bus: {
      maxPayload: 1_000_000,
      publish: (_subject: string, body: Uint8Array) => {
        const { head, columns } = decodeFrame<ReadAnswer>(body);
        answers.push({ turn, item: head.item, rows: columns.length });
      },
    } as unknown as Bus,
    facility: {
      groups: () => [{ ioc: '127.0.0.1:5064', positions: undefined }],
      read: async (_ioc: string, rows: Int32Array) => ({ columns: unansweredColumns(rows, ReadOutcome.ok), problem: null }),
      view: () => undefined,
    } as unknown as Facility,
    table: { rowsOf: (ids: Int32Array) => ids } as unknown as ChannelTable,
    channelAccess: { recycle: () => {} },
    host: 'h',
    log: silentLog,
    now: () => 1_000,
    counted: () => {},
  } satisfies ReadServerDeps;
  return { serve: createReadServer(deps), answers, stop: () => void (counting = false) };
}

function itemOf(item: number, expiresAt: number): WorkMessage {
  const head: ReadItem = { kind: 'read', job: 'j', item, run: 1, ioc: '127.0.0.1:5064', mode: 'monitored', deadlineMs: 500, expiresAt, replyTo: 'inbox' };
  return { subject: 'drey.v1.work.h.read', body: encodeLeanFrame(head, emptyValueColumns(10)), delivery: 1, working: () => {} };
}

test('items that come at once are answered each in a turn of its own, so that answers go out between them', async () => {
  const { serve, answers, stop } = host();
  await Promise.all(Array.from({ length: items }, (_, item) => serve(itemOf(item, 2_000))));
  stop();
  expect(answers.map(({ item, rows }) => [item, rows])).toEqual(Array.from({ length: items }, (_, item) => [item, 10]));
  expect(new Set(answers.map(({ turn }) => turn)).size).toBe(items);
});

test('an item that nobody waits for any more is dropped, and holds nobody up', async () => {
  const { serve, answers, stop } = host();
  await Promise.all([serve(itemOf(0, 999)), serve(itemOf(1, 2_000))]);
  stop();
  expect(answers.map(({ item }) => item)).toEqual([1]);
});
