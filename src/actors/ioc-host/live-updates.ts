/**
 * Sends changed rows to the gateways, while one of them is interested: one pass over the rows per
 * window, held against what was sent last. Nothing is kept per update, and a row that changes a
 * hundred times in a window goes out once, with its latest value.
 */
import { randomUUID } from 'node:crypto';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import type { CaEvent, ChannelAccess } from '../../channel-access/port.ts';
import { encodeFrame } from '../../contracts/frame.ts';
import { liveBeatMs, liveWindowMs, type LiveInterest, type LiveUpdates } from '../../contracts/live.ts';
import { subjects } from '../../contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome, sliceValueColumns, unansweredColumns, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable } from './channel-table.ts';
import { partsOf } from './parts.ts';
import { SentRows } from './sent-rows.ts';

export interface LiveUpdatesDeps {
  readonly bus: Bus;
  readonly host: string;
  readonly channelAccess: Pick<ChannelAccess, 'columns' | 'monitored'>;
  readonly facility: Pick<Facility, 'iocOf'>;
  readonly table: ChannelTable;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LiveSender extends Subscription {
  /** A fact from the wire: an IOC that hangs keeps its channels connected, and its last values are none any more (S1). */
  tell(event: CaEvent): void;
}

/** Rows and bytes of a frame: others on this thread, and on the bus, get their turn in between. */
const sliceRows = 5_000;
const frameBytes = 1024 * 1024;

export function sendLiveUpdates({ bus, host, channelAccess, facility, table, clock, log }: LiveUpdatesDeps): LiveSender {
  const boot = randomUUID();
  const sent = new SentRows(channelAccess.columns, table);
  const interests = new Map<string, { windowMs: number; until: number }>();
  /** IOCs that answer nothing on a circuit that stands. */
  const silent = new Set<string>();
  let sequence = 0;
  let lastSent = 0;
  let wantFull = false;
  let picturing = false;
  let timer: unknown;
  let stopped = false;

  const publish = (columns: ValueColumns, full?: LiveUpdates['full']): void => {
    const parts = partsOf(columns, frameBytes, bus.maxPayload);
    parts.forEach(({ from, to }, i) => {
      const of = full === undefined || parts.length === 1 ? full : i === 0 && (full === 'first' || full === 'only') ? 'first' : i === parts.length - 1 && (full === 'last' || full === 'only') ? 'last' : 'more';
      const head: LiveUpdates = { host, boot, sequence: ++sequence, ...(of === undefined ? {} : { full: of }) };
      const frame = encodeFrame(head, parts.length === 1 ? columns : sliceValueColumns(columns, from, to));
      try {
        bus.publish(subjects.liveUpdates(host), frame);
      } catch (error) {
        // The gap in the numbers has the gateways ask for everything when the bus is back.
        log.debug({ err: error }, 'live updates were not sent');
      }
    });
    lastSent = clock.now();
  };

  const valuesOf = (rows: Int32Array): ValueColumns => {
    const values = channelAccess.monitored(rows);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      values.channel[i] = table.idOf(row);
      if (silent.size > 0 && values.outcome[i] === ReadOutcome.ok && silent.has(facility.iocOf(row) ?? '')) lose(values, i);
    }
    return values;
  };

  const sendChanges = (): void => {
    const { rows, gone } = sent.changed();
    for (let from = 0; from < rows.length; from += sliceRows) publish(valuesOf(rows.subarray(from, from + sliceRows)));
    if (gone.length > 0) publish(unansweredColumns(gone, ReadOutcome.notOwned));
    if (clock.now() - lastSent >= liveBeatMs) publish(emptyValueColumns(0));
  };

  /** Every row, in slices; what changes meanwhile follows in the windows to come. */
  const sendPicture = async (): Promise<void> => {
    picturing = true;
    while (wantFull && !stopped) {
      wantFull = false;
      const { rows } = sent.all();
      for (let from = 0; from === 0 || from < rows.length; from += sliceRows) {
        const slice = rows.subarray(from, from + sliceRows).filter((row) => table.idOf(row) >= 0);
        const isLast = from + sliceRows >= rows.length;
        publish(valuesOf(slice), from === 0 ? (isLast ? 'only' : 'first') : isLast ? 'last' : 'more');
        await new Promise((resolve) => setImmediate(resolve));
        if (stopped) return;
      }
    }
    picturing = false;
  };

  const windowMs = (): number => {
    const now = clock.now();
    let least = Infinity;
    for (const [gateway, interest] of interests) {
      if (interest.until < now) interests.delete(gateway);
      else least = Math.min(least, interest.windowMs);
    }
    return Math.min(liveWindowMs.most, Math.max(liveWindowMs.least, least));
  };
  const arm = (): void => {
    clock.clearTimeout(timer);
    timer = undefined;
    const ms = windowMs();
    if (stopped || interests.size === 0) return;
    timer = clock.setTimeout(() => {
      // Before the pass, so that windows do not grow by what the pass takes.
      arm();
      try {
        sendChanges();
      } catch (error) {
        log.error({ err: error }, 'live updates of a window could not be gathered');
      }
    }, ms);
  };

  const subscription = bus.subscribe(subjects.liveInterest, ({ body }) => {
    const interest = json.decode<LiveInterest>(body);
    const before = interests.size === 0 ? Infinity : windowMs();
    if (interest.windowMs === 0) interests.delete(interest.gateway);
    else interests.set(interest.gateway, { windowMs: interest.windowMs, until: clock.now() + interest.validMs });
    if (interest.full === host || interest.full === '*') {
      wantFull = true;
      if (!picturing) void sendPicture().catch((error: unknown) => { picturing = false; log.error({ err: error }, 'the full picture could not be sent'); });
    }
    if (timer === undefined || windowMs() !== before) arm();
  });

  const changedOn = (ioc: string): void => sent.forget((row) => facility.iocOf(row) === ioc);

  return {
    tell: (event) => {
      if (event.kind === 'circuit.unresponsive') {
        silent.add(event.ioc);
        changedOn(event.ioc);
      } else if ((event.kind === 'circuit.responsive' || event.kind === 'circuit.up' || event.kind === 'circuit.down') && silent.delete(event.ioc)) changedOn(event.ioc);
    },
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
      await subscription.stop();
    },
  };
}

function lose(values: ValueColumns, i: number): void {
  values.outcome[i] = ReadOutcome.timeout;
  values.num[i] = 0;
  values.timeNs[i] = 0n;
  values.text.delete(i);
  values.bytes.delete(i);
  values.rawText.delete(i);
}
