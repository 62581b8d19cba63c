/**
 * A1: what was asked of Drey by whom, why, and what became of it. Changes in the database are
 * recorded when they are done or have failed; what acts towards the machine is recorded before,
 * and not done if it cannot be recorded.
 */
import type { AuditedDeed } from '../contracts/audit.ts';
import { DreyError } from '../contracts/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { AuditEvent, AuditStore } from '../persistence/port.ts';
import type { Caller } from './access.ts';

export interface Intent {
  readonly what: AuditedDeed;
  readonly subject: string;
  readonly why?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What the deed adds to its record: things not known before it was done. */
export interface Deed<T> {
  readonly value: T;
  readonly subject?: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly result?: string;
}

export interface Audit {
  /** Does it and records it, with its failure if it fails. */
  change<T>(caller: Caller, intent: Intent, act: () => Promise<Deed<T>>): Promise<T>;
  /** The same, with a record `requested` that must be stored first. */
  command<T>(caller: Caller, intent: Intent, act: () => Promise<Deed<T>>): Promise<T>;
}

export function createAudit(store: AuditStore, log: Log): Audit {
  const event = (caller: Caller, intent: Intent, result: string): AuditEvent => ({
    who: caller.who,
    what: intent.what,
    subject: intent.subject,
    before: intent.before ?? null,
    after: intent.after ?? null,
    why: intent.why ?? '',
    result,
  });

  const change: Audit['change'] = async (caller, intent, act) => {
    let deed;
    try {
      deed = await act();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await store.record([event(caller, intent, `failed: ${reason}`)]).catch((err: unknown) => {
        log.error({ err, who: caller.who, what: intent.what, subject: intent.subject, failed: reason }, 'a failed request could not be recorded in the audit log');
      });
      throw error;
    }
    const { value, result = 'done', ...known } = deed;
    const record = event(caller, { ...intent, ...known }, result);
    try {
      await store.record([record]);
    } catch (err) {
      log.error({ err, record }, 'a change was made and could not be recorded in the audit log');
      throw new DreyError('unavailable', `${intent.what} of ${record.subject} was done, but could not be recorded in the audit log: the database is away`, { cause: err });
    }
    return value;
  };

  return {
    change,
    command: async (caller, intent, act) => {
      await store.record([event(caller, intent, 'requested')]);
      return change(caller, intent, act);
    },
  };
}
