// A program that owns one server, to be killed by tests: what a dead owner leaves behind can only be seen from outside.
//   node owner.ts '{"kind":"nats","dataFolder":"…","command":["…"]}'
// It prints one line of JSON about the server and then stays.
import { lockFolder, startNatsServer, startPostgres, startSoftIoc } from '../../src/embedded/index.ts';

export type Owned =
  | { kind: 'nats'; dataFolder: string; command: readonly string[] }
  | { kind: 'postgres'; dataFolder: string; programs: string; version: string }
  | { kind: 'soft-ioc'; command: readonly string[]; records: string }
  | { kind: 'lock'; dataFolder: string };

const owned = JSON.parse(process.argv[2] ?? '{}') as Owned;
const environment = process.env;

const about = await start();
console.log(JSON.stringify(about));
process.stdin.resume();

async function start(): Promise<{ pid: number; url?: string; refused?: string }> {
  switch (owned.kind) {
    case 'nats': {
      const server = await startNatsServer({ ...owned, environment });
      return { pid: server.process.pid, url: server.url };
    }
    case 'postgres': {
      const server = await startPostgres({ ...owned, environment });
      return { pid: server.process.pid, url: server.url };
    }
    case 'soft-ioc': {
      const server = await startSoftIoc({ ...owned, environment });
      return { pid: server.process.pid, url: server.address };
    }
    case 'lock':
      try {
        lockFolder(owned.dataFolder);
        return { pid: process.pid };
      } catch (fault) {
        return { pid: process.pid, refused: (fault as Error).name };
      }
  }
}
