import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseText, record, type DbRecord } from '../demo/record.ts';

/** The mix that was measured first (35 % ai, 20 % ao, 10 % each longout, bo, mbbo, 5 % each longin, stringout, waveform of 16 doubles). */
function mixed(ioc: number, index: number): DbRecord {
  const name = `B${String(ioc).padStart(2, '0')}:PV${String(index).padStart(5, '0')}`;
  const slot = index % 20;
  const limits = { LOPR: -1000, HOPR: 1000, EGU: 'mm', PREC: 3, PINI: 'YES' };
  if (slot < 7) return record('ai', name, { ...limits, VAL: index / 7 });
  if (slot < 11) return record('ao', name, { ...limits, VAL: index / 3, DRVL: -100000, DRVH: 100000 });
  if (slot < 13) return record('longout', name, { VAL: index, PINI: 'YES', EGU: 'counts' });
  if (slot < 15) return record('bo', name, { VAL: index % 2, PINI: 'YES', ZNAM: 'Off', ONAM: 'On' });
  if (slot < 17) return record('mbbo', name, { VAL: index % 4, PINI: 'YES', ZRST: 'Zero', ONST: 'One', TWST: 'Two', THST: 'Three' });
  if (slot < 18) return record('longin', name, { VAL: index, PINI: 'YES' });
  if (slot < 19) return record('stringout', name, { VAL: `text ${index}`, PINI: 'YES' });
  const points = Array.from({ length: 16 }, (_, element) => index + element / 10);
  return record('waveform', name, { FTVL: 'DOUBLE', NELM: 16, PINI: 'YES', EGU: 'V', INP: JSON.stringify(points) });
}

/** Changes at every scan, ten times a second: for the price of an update. */
function ticking(ioc: number, index: number): DbRecord {
  const name = `T${String(ioc).padStart(2, '0')}:PV${String(index).padStart(5, '0')}`;
  return record('calc', name, { SCAN: '.1 second', INPA: name, CALC: 'A+1' });
}

export interface BenchDatabase {
  path: string;
  names: string[];
}

async function written(folder: string, file: string, records: readonly DbRecord[]): Promise<BenchDatabase> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, file);
  await writeFile(path, databaseText(records));
  return { path, names: records.map(({ name }) => name) };
}

function numbered(count: number, make: (index: number) => DbRecord): DbRecord[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function writeStill(folder: string, iocs: number, pvsPerIoc: number): Promise<BenchDatabase[]> {
  return Promise.all(Array.from({ length: iocs }, (_, ioc) => written(folder, `still${ioc}.db`, numbered(pvsPerIoc, (index) => mixed(ioc, index)))));
}

export function writeTicking(folder: string, iocs: number, pvsPerIoc: number): Promise<BenchDatabase[]> {
  return Promise.all(Array.from({ length: iocs }, (_, ioc) => written(folder, `ticking${ioc}.db`, numbered(pvsPerIoc, (index) => ticking(ioc, index)))));
}
