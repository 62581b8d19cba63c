import type { FigureResult, RowResult } from './row.ts';

function value(amount: number, unit: FigureResult['unit']): string {
  const digits = amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
  return `${amount.toFixed(digits)} ${unit}`;
}

function line(work: string, figure: FigureResult): string {
  const { limit, ratio, atMost, pass } = figure;
  const measured = limit === undefined || ratio === undefined ? ['-', value(figure.ours, figure.unit), '-'] : [value(limit, figure.unit), value(figure.ours, figure.unit), `${ratio.toFixed(2)}x`];
  const target = atMost === undefined ? '-' : `at most ${atMost}${ratio === undefined ? ` ${figure.unit}` : 'x'}`;
  return `| ${[`${work}: ${figure.what}`, ...measured, target, pass === undefined ? '' : pass ? 'pass' : '**miss**'].join(' | ')} |`;
}

export function markdownTable(results: readonly RowResult[]): string {
  const lines = results.flatMap((row) => (row.fault === undefined ? row.figures.map((figure) => line(row.work, figure)) : [`| ${row.work} | | | | | **fault**: ${row.fault.replaceAll('|', '/').replaceAll('\n', ' ')} |`]));
  return ['| work | limit | Drey | ratio | target | |', '|---|---|---|---|---|---|', ...lines].join('\n');
}
