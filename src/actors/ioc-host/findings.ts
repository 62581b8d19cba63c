/** Reports where channels were found, in batches, until a coordinator has taken them. */
import { json, type Bus } from '../../bus/port.ts';
import { subjects } from '../../contracts/subjects.ts';
import { pause, untilDone, type Retry } from './retry.ts';

export interface Findings {
  add(ioc: string, ids: readonly number[]): void;
}

const batchMs = 200;
/** Channels per report; a larger batch goes in several. */
const batchChannels = 10_000;
const timeoutMs = 10_000;

export function createFindings(deps: Retry & { bus: Bus; host: string }): Findings {
  let pending = new Map<number, string>();
  let running = false;

  const run = async (): Promise<void> => {
    while (pending.size > 0 && !deps.signal.aborted) {
      await pause(batchMs, deps.clock, deps.signal);
      const batch = [...pending];
      pending = new Map();
      for (let from = 0; from < batch.length; from += batchChannels) {
        const found: Record<string, number[]> = {};
        for (const [id, ioc] of batch.slice(from, from + batchChannels)) (found[ioc] ??= []).push(id);
        const body = json.encode({ host: deps.host, found });
        await untilDone('directory update', () => deps.bus.request(subjects.directoryUpdate, body, timeoutMs), deps);
      }
    }
  };

  const start = (): void => {
    if (running || pending.size === 0 || deps.signal.aborted) return;
    running = true;
    // It fails only when the host stops; the next start finds the channels again.
    void run().catch(() => {}).finally(() => {
      running = false;
      start();
    });
  };

  return {
    add: (ioc, ids) => {
      // A channel that moved twice meanwhile is reported where it is.
      for (const id of ids) pending.set(id, ioc);
      start();
    },
  };
}
