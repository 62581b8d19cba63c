/** The shape of a snapshot with values, for the documentation: operations/snapshot-rows.ts writes it. */
import { z } from 'zod';
import { jsonValue } from '../../contracts/restores.ts';
import { snapshotSummary } from '../../contracts/snapshots.ts';
import { readOutcomeNames } from '../../contracts/values.ts';

const limit = z.object({ low: z.union([z.number(), z.string()]), high: z.union([z.number(), z.string()]) }).nullable();

export const savedValue = z.object({
  value: jsonValue.describe('an enum is its index; NaN and infinities are strings; arrays are arrays; null = there is none, see outcome'),
  status: z.number().int().nullable().describe('EPICS alarm status, 0 = NO_ALARM'),
  severity: z.number().int().nullable().describe('EPICS alarm severity: 0 NO_ALARM, 1 MINOR, 2 MAJOR, 3 INVALID'),
  timestamp: z.string().nullable().describe('the IOC\'s time, ISO 8601 with ms'),
  timestampNs: z.string().nullable().describe('the same, ns since 1970, whole'),
  units: z.string().nullable().describe('engineering units'),
  precision: z.number().int().nullable().describe('digits after the point, for display'),
  labels: z.array(z.string()).nullable().describe('of an enum, by index'),
  limits: z.object({ display: limit, control: limit, warning: limit, alarm: limit }).nullable(),
  enumLabel: z.string().nullable().describe('the label of the value'),
  outcome: z.enum(readOutcomeNames).describe('how the row was got: ok, or why there is no value'),
  reason: z.string().nullable().describe('the outcome in a sentence; null when ok'),
});

const pvValue = z.object({
  pvId: z.string().describe('catalogue entry'),
  pvName: z.string().describe('setpoint, else readback, else config'),
  setpointName: z.string().nullable(),
  readbackName: z.string().nullable(),
  configName: z.string().nullable(),
  setpointValue: savedValue.nullable(),
  readbackValue: savedValue.nullable(),
  configValue: savedValue.nullable(),
  status: z.number().int().nullable().describe('of the channel pvName'),
  severity: z.number().int().nullable(),
  timestamp: z.string().nullable(),
  absTolerance: z.number().describe('in units, as it was then'),
  relTolerance: z.number().describe('of the larger magnitude, as it was then'),
  readOnly: z.boolean(),
  device: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
});

export const snapshotWithValues = snapshotSummary.extend({
  totalCount: z.number().int().describe('entries that match, in all pages'),
  limit: z.number().int().nullable(),
  offset: z.number().int(),
  pvValues: z.array(pvValue),
});
