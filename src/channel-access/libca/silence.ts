/** When an IOC was last heard. Told once when it has fallen silent, and once when it is heard again. */
import { now } from '../wire/clock.ts';
import type { ThreadContext } from '../wire/thread/context.ts';

export class Silence {
  isSilent = false;
  readonly #context: Pick<ThreadContext, 'options' | 'outbox'>;
  readonly #ioc: string;
  #lastHeardAt = now();

  constructor(context: Pick<ThreadContext, 'options' | 'outbox'>, ioc: string) {
    this.#context = context;
    this.#ioc = ioc;
  }

  heard(): void {
    this.#lastHeardAt = now();
    if (!this.isSilent) return;
    this.isSilent = false;
    this.#context.outbox.report({ is: 'responsive', ioc: this.#ioc });
  }

  /** The circuit is lost, and its silence with it. */
  forget(): void {
    this.isSilent = false;
  }

  /**
   * Called regularly while the circuit stands. Whether the IOC has to be asked if it is alive.
   * @param waitingSince Since when it owes an answer.
   */
  look(at: number, waitingSince: number | undefined): boolean {
    const { echoIdleMs, echoTimeoutMs } = this.#context.options;
    const silentMs = at - this.#lastHeardAt;
    if (waitingSince === undefined) return silentMs > echoIdleMs;
    if (!this.isSilent && silentMs > echoTimeoutMs && at - waitingSince > echoTimeoutMs) {
      this.isSilent = true;
      this.#context.outbox.report({ is: 'unresponsive', ioc: this.#ioc, silentMs });
    }
    return false;
  }
}
