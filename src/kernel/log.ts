/** Structured logs. One line per fact: a sentence, and the things it is about. */
import { pino } from 'pino';

export interface Log {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
  child(facts: object): Log;
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** `pretty` for people at a terminal, JSON lines for collectors. `file`: instead of standard error. */
export function createLog(options: { level: LogLevel; pretty: boolean; file?: string }): Log {
  const base = { level: options.level, base: null };
  const destination = options.file ?? 2;
  if (!options.pretty) return pino(base, pino.destination({ dest: destination, sync: false }));
  return pino({
    ...base,
    transport: { target: 'pino-pretty', options: { destination, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true, colorize: options.file === undefined } },
  });
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog };
