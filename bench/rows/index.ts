import type { Row } from '../row.ts';
import { wireGet } from './wire-get.ts';
import { wireMonitors } from './wire-monitors.ts';
import { wirePut } from './wire-put.ts';
import { wireUpdates } from './wire-updates.ts';

/** In the order of the table. */
export const rows: readonly Row[] = [wireGet, wirePut, wireMonitors, wireUpdates];
