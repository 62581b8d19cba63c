/**
 * Listens to the beacons of CA servers. One process per host owns the repeater port and passes on
 * what comes there; when that is another program we register with it, and take its place when it goes.
 */
import type { CaEnvironment, IocAddress } from '../port.ts';
import { BeaconWatch, type BeaconNews } from './beacon-watch.ts';
import { Repeater } from './repeater.ts';
import { RepeaterClient } from './repeater-client.ts';
import type { Beacon } from './beacon-messages.ts';

export interface BeaconTiming {
  /** How often a repeater that is not ours is asked whether it is still there. */
  readonly heartbeatMs: number;
  /** How often is looked for servers that fell silent. */
  readonly sweepMs: number;
}

const usual: BeaconTiming = { heartbeatMs: 2_000, sweepMs: 500 };

export async function startBeacons(
  environment: CaEnvironment,
  on: (ioc: IocAddress, what: BeaconNews) => void,
  timing: BeaconTiming = usual,
): Promise<{ stop(): Promise<void> }> {
  const watch = new BeaconWatch(environment.beaconPeriod * 1_000, on);
  const heard = (beacon: Beacon): void => watch.heard(beacon, performance.now());
  let stopped = false;
  let role: { stop(): Promise<void> } | undefined;
  let changing: Promise<void> | undefined;

  const takeRole = async (): Promise<void> => {
    const repeater = await Repeater.open(environment.repeaterPort, heard);
    role = repeater ?? await RepeaterClient.open(environment.repeaterPort, timing.heartbeatMs, { heard, vanished: () => void change() });
  };
  const change = (): Promise<void> => (changing ??= (async () => {
    await role?.stop();
    role = undefined;
    if (!stopped) await takeRole();
    changing = undefined;
  })());

  await takeRole();
  const sweep = setInterval(() => watch.sweep(performance.now()), timing.sweepMs);
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stopped = true;
    clearInterval(sweep);
    await changing;
    await role?.stop();
  };
  return { stop: () => (ending ??= end()) };
}
