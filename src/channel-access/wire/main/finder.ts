/** Search and beacons in a thread of their own, so that neither a busy main thread nor a busy CA thread delays them. */
import { Worker } from 'node:worker_threads';
import type { CaEnvironment, IocAddress } from '../../port.ts';
import type { FinderCommand, FinderReport } from '../search-messages.ts';

export interface FinderListener {
  found(ids: Int32Array, iocs: readonly IocAddress[]): void;
  duplicate(id: number, used: IocAddress, other: IocAddress): void;
  beacon(ioc: IocAddress, what: 'new' | 'restarted' | 'missing'): void;
  /** The thread ended; everything has to be added again to the fresh one. */
  exited(reason: string): void;
}

export interface Finder {
  add(ids: Int32Array, names: readonly string[]): void;
  remove(ids: Int32Array): void;
  urge(ids?: Int32Array): void;
  /** These are at `ioc` without having been searched: everybody is asked at leisure, for duplicates. */
  review(ids: Int32Array, names: readonly string[], ioc: IocAddress): void;
  stop(): Promise<void>;
}

/** A start that fails at once must not be tried in a tight loop. */
const restartMs = 1000;
const stopMs = 2000;

export function startFinder(environment: CaEnvironment, listener: FinderListener): Finder {
  let stopping = false;
  let worker = start();

  function start(): Worker {
    const fresh = new Worker(new URL('../search-thread.ts', import.meta.url), { workerData: environment, name: 'ca-search' });
    let reason = '';
    fresh.on('message', (report: FinderReport) => hear(report));
    fresh.on('error', (error: Error) => (reason = error.stack ?? error.message));
    fresh.on('exit', (code) => {
      if (stopping) return;
      setTimeout(() => {
        if (stopping) return;
        worker = start();
        listener.exited(reason === '' ? `the search thread ended with code ${code}` : reason);
      }, restartMs);
    });
    return fresh;
  }

  function hear(report: FinderReport): void {
    if (report.is === 'found') {
      const { ids, iocs, which } = report;
      listener.found(ids, Array.from(which, (index) => iocs[index]!));
    } else if (report.is === 'duplicate') listener.duplicate(report.id, report.used, report.other);
    else listener.beacon(report.ioc, report.what);
  }

  const say = (command: FinderCommand): void => worker.postMessage(command);
  return {
    add: (ids, names) => say({ do: 'add', ids, names }),
    remove: (ids) => say({ do: 'remove', ids }),
    urge: (ids) => say({ do: 'urge', ids }),
    review: (ids, names, ioc) => say({ do: 'review', ids, names, ioc }),
    async stop() {
      if (stopping) return;
      stopping = true;
      await new Promise<void>((resolve) => {
        const force = setTimeout(() => void worker.terminate(), stopMs);
        worker.once('exit', () => {
          clearTimeout(force);
          resolve();
        });
        say({ do: 'stop' });
      });
    },
  };
}
