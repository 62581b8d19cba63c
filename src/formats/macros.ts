/** EPICS macros: `$(NAME)`, `${NAME}` and `$(NAME=default)`, nested up to a bound. */
export type Macros = Readonly<Record<string, string>>;

const deepest = 20;

/** The text with its macros replaced, or the names of those that are not given. */
export function expandMacros(text: string, macros: Macros): { text: string } | { missing: readonly string[] } {
  let now = text;
  for (let depth = 0; depth < deepest; depth++) {
    const missing = new Set<string>();
    let found = false;
    // Innermost first: what stands in a name or a default has been replaced by then.
    const next = now.replace(/\$\(([^$(){}=]+)(?:=([^$(){}]*))?\)|\$\{([^$(){}=]+)(?:=([^$(){}]*))?\}/g, (whole, a?: string, b?: string, c?: string, d?: string) => {
      const name = (a ?? c ?? '').trim();
      const value = macros[name] ?? b ?? d;
      if (value === undefined) {
        missing.add(name);
        return whole;
      }
      found = true;
      return value;
    });
    if (missing.size > 0) return { missing: [...missing] };
    if (!found) return /\$[({]/.test(next) ? { missing: [next] } : { text: next };
    now = next;
  }
  return { missing: [`${text.slice(0, 40)} (nested deeper than ${deepest})`] };
}

/** `P=DEMO:, M="m1"`: quotes are ignored, blanks and commas part. Undefined when a part is no NAME=value. */
export function parseMacros(text: string): Macros | undefined {
  const macros: Record<string, string> = {};
  for (const part of text.replaceAll(/["']/g, '').split(/[\s,]+/)) {
    if (part === '') continue;
    const at = part.indexOf('=');
    if (at < 1) return undefined;
    macros[part.slice(0, at)] = part.slice(at + 1);
  }
  return macros;
}
