/**
 * Titles of snapshots that nobody types: text with {date}, {time} and {pv:NAME} in it. Names of PVs may hold
 * braces in pairs, as those of some facilities do.
 */
import { DreyError } from '../contracts/errors.ts';

export type TitlePart = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'date' } | { readonly kind: 'time' } | { readonly kind: 'pv'; readonly name: string };

/** What cannot be read. */
export const unread = '?';
const longestTitle = 255;
const known = 'known are {date}, {time} and {pv:NAME}';

/** D1: throws `invalid` naming the placeholder that is none. */
export function parseTitle(template: string): TitlePart[] {
  const parts: TitlePart[] = [];
  let from = 0;
  for (let open = template.indexOf('{'); open >= 0; open = template.indexOf('{', from)) {
    if (open > from) parts.push({ kind: 'text', text: template.slice(from, open) });
    const close = closing(template, open);
    if (close < 0) throw new DreyError('invalid', `the title ${JSON.stringify(template)} opens a brace at character ${open + 1} that nothing closes; ${known}`);
    parts.push(partOf(template.slice(open + 1, close), template));
    from = close + 1;
  }
  if (from < template.length) parts.push({ kind: 'text', text: template.slice(from) });
  return parts;
}

export const pvsOf = (parts: readonly TitlePart[]): string[] => [...new Set(parts.flatMap((part) => (part.kind === 'pv' ? [part.name] : [])))];

/** `values` by PV name; what is missing is shown as {@link unread}. */
export function fillTitle(parts: readonly TitlePart[], at: Date, timeZone: string, values: ReadonlyMap<string, string>): string {
  const { date, time } = clockFace(at, timeZone);
  const text = parts.map((part) => {
    switch (part.kind) {
      case 'text': return part.text;
      case 'date': return date;
      case 'time': return time;
      case 'pv': return values.get(part.name) ?? unread;
    }
  }).join('').trim();
  return (text === '' ? unread : text).slice(0, longestTitle);
}

/** 2026-11-20 and 06:00:00, as the clocks of that zone show it. */
export function clockFace(at: Date, timeZone: string): { date: string; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const of = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return { date: `${of['year']}-${of['month']}-${of['day']}`, time: `${of['hour']}:${of['minute']}:${of['second']}` };
}

function partOf(inside: string, template: string): TitlePart {
  if (inside === 'date' || inside === 'time') return { kind: inside };
  const name = inside.startsWith('pv:') ? inside.slice(3).trim() : '';
  if (name !== '') return { kind: 'pv', name };
  throw new DreyError('invalid', `the title ${JSON.stringify(template)} has the placeholder {${inside}}, which is not one; ${known}`);
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth += 1;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}
