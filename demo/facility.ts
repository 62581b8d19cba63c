import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entry, type DemoDevice, type DemoEntry } from './device.ts';
import { diagnostics } from './diagnostics.ts';
import { machine } from './machine.ts';
import { bendLock, magnets } from './magnets.ts';
import { motion } from './motion.ts';
import { databaseText, type DbRecord } from './record.ts';
import { rf } from './rf.ts';
import { vacuum } from './vacuum.ts';

export interface DemoIoc {
  name: string;
  records: DbRecord[];
  entries: DemoEntry[];
}

function ioc(name: string, devices: readonly DemoDevice[]): DemoIoc {
  return { name, records: devices.flatMap((device) => device.records), entries: devices.flatMap((device) => device.entries) };
}

/** Split by system, as facilities do: an IOC that dies takes one system out of every area. */
export function facility(): DemoIoc[] {
  return [
    ioc('magnets', magnets()),
    ioc('rf', rf()),
    ioc('diagnostics', [...diagnostics(), ...machine()]),
    ioc('vacuum-motion', [...vacuum(), ...motion()]),
  ];
}

/** A sector that is drawn but not built: in the catalogue, on no IOC. */
export function planned(): DemoEntry[] {
  const tags = { area: 'LI25', system: 'Magnets', kind: 'Quadrupole' };
  const quads = [201, 301, 401, 501].map((unit) => {
    const device = `QUAD:LI25:${unit}`;
    return entry(device, 'Quadrupole field, not installed yet', { setpointAddress: `${device}:BCTRL`, readbackAddress: `${device}:BACT` }, tags, { absTolerance: 0.016 });
  });
  const gauge = entry('VGCC:LI25:111', 'Pressure, not installed yet', { readbackAddress: 'VGCC:LI25:111:P' }, { area: 'LI25', system: 'Vacuum', kind: 'Gauge' });
  return [...quads, gauge];
}

/** DEFAULT writes; READONLY never does; LOCKABLE only while the lock is off, so rights change under a running client. */
const accessRules = `ASG(DEFAULT) {
  RULE(1, READ)
  RULE(1, WRITE)
}
ASG(READONLY) {
  RULE(1, READ)
}
`;
// An input that another IOC serves would be searched for on the network, so only its own IOC has this rule.
const lockRule = `ASG(LOCKABLE) {
  INPA("${bendLock}")
  RULE(1, READ)
  RULE(1, WRITE) {
    CALC("A=0")
  }
}
`;

export interface WrittenIoc {
  name: string;
  database: string;
  accessFile: string;
}

export async function writeFacility(folder: string): Promise<WrittenIoc[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    facility().map(async ({ name, records }) => {
      const database = join(folder, `${name}.db`);
      const accessFile = join(folder, `${name}.acf`);
      await writeFile(database, databaseText(records));
      await writeFile(accessFile, name === 'magnets' ? accessRules + lockRule : accessRules);
      return { name, database, accessFile };
    }),
  );
}
