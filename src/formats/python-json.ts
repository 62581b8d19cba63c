/** JSON as Python writes it: NaN and Infinity may stand bare, and whole numbers have any length. */
export class LongInteger {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}
/** A number written with a point or an exponent: Python's float. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** Numbers with a point are {@link Float}, whole ones numbers or {@link LongInteger}. Throws SyntaxError. */
export function parsePythonJson(text: string): unknown {
  // No JSON number is written like these by anybody; what stands in strings is left alone.
  // A string that is never closed goes to the end at once: each quote in it tried as a beginning would take hours.
  const strict = text.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)|NaN|-?Infinity/gs, (found) => (found === 'NaN' ? '0e4242' : found === 'Infinity' ? '1e4242' : found === '-Infinity' ? '-1e4242' : found));
  const reviver: Reviver = (_, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    if (source === '0e4242') return new Float(Number.NaN);
    if (/[.eE]/.test(source)) return new Float(value);
    return Number.isSafeInteger(value) ? value : new LongInteger(source);
  };
  return JSON.parse(strict, reviver as (this: unknown, key: string, value: unknown) => unknown);
}

/** A double as Python writes it: with a point or an exponent, so that it is read back as float. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
