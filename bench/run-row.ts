import { judge, type Row, type RowResult, type Sample } from './row.ts';
import type { World } from './world.ts';

function add(samples: Record<string, number[]>, sample: Sample): void {
  for (const [name, value] of Object.entries(sample)) (samples[name] ??= []).push(value);
}

/** The two sides take turns and change who begins, so that neither always meets the warmer machine. */
export async function runRow(row: Row, world: World, repeats: number, say: (line: string) => void): Promise<RowResult> {
  const result: RowResult = { key: row.key, work: row.work, ours: {}, limit: {}, figures: [] };
  try {
    await row.prepare?.(world);
    const sides = [
      { samples: result.limit, measure: row.limit?.bind(row) },
      { samples: result.ours, measure: row.ours.bind(row) },
    ];
    // The first round warms both sides up and is not counted.
    for (let round = 0; round <= Math.min(repeats, row.repeats ?? repeats); round++) {
      for (const { samples, measure } of round % 2 === 0 ? sides : sides.toReversed()) {
        if (measure === undefined) continue;
        const sample = await measure(world);
        if (round > 0) add(samples, sample);
        say(`  ${row.key} ${round === 0 ? 'warm-up' : round} ${samples === result.ours ? 'ours ' : 'limit'} ${Object.entries(sample).map(([name, value]) => `${name}=${value.toFixed(1)}`).join(' ')}`);
      }
    }
    result.figures = row.figures.map((figure) => judge(figure, result.ours, result.limit));
  } catch (fault) {
    result.fault = fault instanceof Error ? fault.message : String(fault);
  } finally {
    await row.restore?.(world).catch((fault: unknown) => {
      result.fault = `${result.fault === undefined ? '' : `${result.fault}; `}putting back: ${String(fault)}`;
    });
  }
  return result;
}
