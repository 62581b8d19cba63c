import { median, type Sample } from './row.ts';

/** A service that runs for months is compiled; once is not enough for that. */
export async function warmedUp(...sides: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (let round = 0; round < 20; round++) for (const side of sides) await side();
}

/** What takes 20 to 100 ms is less than a hiccup of a shared machine: each sample is the median of five. */
export async function medianOfFive(work: () => Promise<{ ms: number; cpuMs: number }>): Promise<Sample> {
  const ms: number[] = [];
  const cpuMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    const taken = await work();
    ms.push(taken.ms);
    cpuMs.push(taken.cpuMs);
  }
  return { ms: median(ms), cpuMs: median(cpuMs) };
}
