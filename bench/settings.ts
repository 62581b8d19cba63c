import { parseArgs } from 'node:util';

export interface BenchSettings {
  iocs: number;
  pvsPerIoc: number;
  repeats: number;
  /** Put-callbacks in flight per IOC, on both sides. */
  window: number;
  /** Stored snapshots for the row that lists them. */
  snapshots: number;
  only: readonly string[] | undefined;
  quick: boolean;
  /** Records where the system's time goes, which slows it a little. */
  profile: boolean;
}

const usage = 'usage: npm run bench -- [--quick] [--only row,row] [--repeats N] [--iocs N] [--profile]';

export function readSettings(args: readonly string[], known: readonly string[]): BenchSettings {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, repeats: { type: 'string' }, iocs: { type: 'string' }, profile: { type: 'boolean', default: false } },
  });
  const only = values.only?.split(',');
  const unknown = only?.filter((key) => !known.includes(key)) ?? [];
  if (unknown.length > 0) throw new RangeError(`--only ${values.only}: no row ${unknown.join(', ')}; there are ${known.join(', ')}\n${usage}`);
  const repeats = Number(values.repeats ?? (values.quick ? 3 : 7));
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > 100) throw new RangeError(`--repeats ${values.repeats}: a whole number from 1 to 100\n${usage}`);
  const iocs = Number(values.iocs ?? 10);
  if (!Number.isInteger(iocs) || iocs < 2 || iocs > 500) throw new RangeError(`--iocs ${values.iocs}: a whole number from 2 to 500\n${usage}`);
  return { iocs, pvsPerIoc: Math.floor((values.quick ? 5_000 : 50_000) / iocs), repeats, window: 128, snapshots: values.quick ? 100 : 1_000, only, quick: values.quick, profile: values.profile };
}
