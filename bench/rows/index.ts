import type { Row } from '../row.ts';
import { coldStart } from './cold-start.ts';
import { libcaMemory, wireMemory } from './client-memory.ts';
import { compareSnapshots } from './compare.ts';
import { deadPvs } from './dead-pvs.ts';
import { fetchColumns } from './fetch-columns.ts';
import { fetchJson } from './fetch-json.ts';
import { hungIoc } from './hung-ioc.ts';
import { listSnapshots } from './list-snapshots.ts';
import { liveColumns, liveJson, liveOne } from './live-clients.ts';
import { liveSnapshot } from './live-snapshot.ts';
import { memory } from './memory.ts';
import { monitoredSnapshot } from './monitored-snapshot.ts';
import { restoreAll } from './restore.ts';
import { libcaGet, wireGet } from './wire-get.ts';
import { libcaMonitors, wireMonitors } from './wire-monitors.ts';
import { libcaPut, wirePut } from './wire-put.ts';
import { libcaUpdates, wireUpdates } from './wire-updates.ts';

/** In the order of the table. Rows that leave much behind (a thousand snapshots, dead PVs, a restart) come late. */
export const rows: readonly Row[] = [
  wireGet, libcaGet, wirePut, libcaPut, wireMonitors, libcaMonitors, wireUpdates, libcaUpdates, wireMemory, libcaMemory,
  liveSnapshot, monitoredSnapshot, fetchJson, fetchColumns, compareSnapshots, restoreAll, memory, hungIoc, deadPvs, coldStart, listSnapshots,
  liveOne, liveColumns, liveJson,
];
