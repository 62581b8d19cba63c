/**
 * `npm run knock`: moves ten quadrupoles of the demo through Channel Access, as a colleague's script at
 * three in the morning would, so that there is something to find and to put back.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelState } from '../src/channel-access/columns.ts';
import { readCaEnvironment } from '../src/channel-access/environment.ts';
import { WriteOutcome } from '../src/channel-access/port.ts';
import { createWireClient } from '../src/channel-access/wire/index.ts';
import { emptyValueColumns, ReadOutcome, ValueKind } from '../src/contracts/values.ts';
import { freePort } from '../src/embedded/index.ts';
import { demoCatalogue } from './catalogue.ts';

const names = demoCatalogue()
  .flatMap((entry) => (entry.setpointAddress?.startsWith('QUAD:LI21:') && entry.setpointAddress.endsWith(':BCTRL') ? [entry.setpointAddress] : []))
  .slice(0, 10);
const folder = process.env['DREY_DATA'] ?? '.drey/data';
const addressList = process.env['EPICS_CA_ADDR_LIST'] ?? readFileSync(join(folder, 'demo', 'address-list'), 'utf8').trim();
const environment = readCaEnvironment({ EPICS_CA_ADDR_LIST: addressList, EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_REPEATER_PORT: String(await freePort()) });
if (!environment.ok) throw new Error(`EPICS_CA_ADDR_LIST ${addressList} cannot be read`);

const ca = createWireClient({ environment: environment.environment, threads: 1, capacity: 100, echoIdleMs: 5_000, echoTimeoutMs: 2_000 });
try {
  const ioc = new Promise<string>((resolve, reject) => {
    setTimeout(() => reject(new Error(`the demo's magnets did not answer at ${addressList}: is \`npm start\` running?`)), 5_000).unref();
    ca.listen((event) => {
      if (event.kind === 'channels.connected' && rows.every((row) => ca.columns.state[row] === ChannelState.connected)) resolve(event.ioc);
    });
  });
  const rows = ca.open(names);
  const magnets = await ioc;
  const values = await ca.read(magnets, rows, 2_000);
  const moved = emptyValueColumns(names.length);
  moved.outcome.fill(ReadOutcome.ok);
  moved.kind.fill(ValueKind.double);
  values.num.forEach((value, i) => (moved.num[i] = value * 0.9));
  const { outcome } = await ca.write(magnets, rows, moved, { deadlineMs: 2_000, window: 10 });
  names.forEach((name, i) => console.log(`${name}  ${Number(values.num[i]!.toPrecision(6))} -> ${Number(moved.num[i]!.toPrecision(6))}${outcome[i] === WriteOutcome.done ? '' : '  NOT WRITTEN'}`));
} finally {
  await ca.stop();
}
