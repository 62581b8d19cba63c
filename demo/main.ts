// The demo facility alone, for containers and for trying other clients on it:
//   node demo/main.ts [--ports 5064,5066,5068,5070] [--bind 0.0.0.0] [--folder FOLDER]
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findSoftIoc } from '../src/embedded/soft-ioc-search.ts';
import { startDemo } from './start.ts';

const { values } = parseArgs({
  options: {
    ports: { type: 'string', default: '5064,5066,5068,5070' },
    bind: { type: 'string', default: '127.0.0.1' },
    folder: { type: 'string', default: join(tmpdir(), 'drey-demo') },
  },
});

const ports = values.ports.split(',').map(Number);
const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
if (wrong !== undefined) {
  process.stderr.write(`--ports ${values.ports}: ${wrong} is not a port (1 to 65535), separated by commas\n`);
  process.exit(2);
}
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { command } = await findSoftIoc({
  folder: resolve(import.meta.dirname, '..', '.drey'),
  environment: process.env,
  say,
  ...(process.env.DREY_SOFT_IOC === undefined ? {} : { override: process.env.DREY_SOFT_IOC }),
});
const demo = await startDemo({ runSoftIoc: command, folder: resolve(values.folder), ports, bind: values.bind, say });
process.stdout.write(`EPICS_CA_ADDR_LIST="${demo.addressList}"\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.stop().then(() => process.exit(0)));
