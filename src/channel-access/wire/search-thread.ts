/** The thread of search and beacons. */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { CaEnvironment } from '../port.ts';
import { startBeacons } from './beacons.ts';
import type { FinderCommand, FinderReport } from './search-messages.ts';
import { startNameSearch } from './search/index.ts';

const port = parentPort!;
const environment = workerData as CaEnvironment;
const say = (report: FinderReport): void => port.postMessage(report);

const search = await startNameSearch(environment, {
  found({ ids, iocs: perId }) {
    const places = new Map<string, number>();
    const which = Uint16Array.from(perId, (ioc) => {
      const place = places.get(ioc) ?? places.size;
      places.set(ioc, place);
      return place;
    });
    say({ is: 'found', ids, iocs: [...places.keys()], which });
  },
  duplicate: (id, used, other) => say({ is: 'duplicate', id, used, other }),
});
const beacons = await startBeacons(environment, (ioc, what) => say({ is: 'beacon', ioc, what }));

port.on('message', (command: FinderCommand) => {
  switch (command.do) {
    case 'add': return search.add(command.ids, command.names);
    case 'remove': return search.remove(command.ids);
    case 'review': return search.review(command.ids, command.names, command.ioc);
    case 'urge': return search.urge(command.ids);
    case 'stop': return void stop();
  }
});

flushCompileCache();

async function stop(): Promise<void> {
  await Promise.allSettled([search.stop(), beacons.stop()]);
  port.close();
}
