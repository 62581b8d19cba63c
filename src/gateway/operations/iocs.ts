/** IOCs as their actors on the ioc-hosts tell them. The gateway keeps no copy: what it shows is asked now. */
import { z } from 'zod';
import type { Hosts } from '../../bus/hosts.ts';
import { json, type Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { channelView, iocCommand, iocView, type ChannelView, type IocCommand, type IocView } from '../../contracts/iocs.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';

/** Hosts answer from memory: who takes longer is in trouble. */
const answerWithinMs = 2_000;

export const iocWithChannels = iocView.extend({ channelList: z.array(channelView).describe('one per PV name that this IOC serves') });
export const commandBody = iocCommand.omit({ command: true }).strict();

interface HostAnswer {
  readonly host: string;
  readonly iocs: readonly IocView[];
  readonly channels?: readonly ChannelView[];
}

export interface IocList {
  readonly iocs: IocView[];
  /** ioc-hosts that are alive and did not answer: their IOCs are missing. */
  readonly silentHosts: string[];
}

export function createIocOperations({ bus, hosts, audit }: { bus: Bus; hosts: Hosts; audit: Audit }) {
  const ask = async (ioc?: string): Promise<{ answers: HostAnswer[]; silent: string[] }> => {
    const alive = hosts.names();
    // Asked all the same when nobody lives: a bus that is away must not look like a facility without IOCs.
    const bodies = await bus.requestMany(subjects.hostIocs, json.encode(ioc === undefined ? {} : { ioc }), { expect: Math.max(1, alive.length), timeoutMs: answerWithinMs });
    const answers = bodies.map((body) => json.decode<HostAnswer>(body));
    return { answers, silent: alive.filter((host) => !answers.some((answer) => answer.host === host)) };
  };

  const show = async (name: string): Promise<z.output<typeof iocWithChannels>> => {
    const { answers, silent } = await ask(name);
    for (const { iocs, channels } of answers) {
      const found = iocs.find((ioc) => ioc.name === name);
      if (found) return { ...found, channelList: [...(channels ?? [])] };
    }
    if (answers.length === 0 && silent.length === 0) throw new DreyError('unavailable', `no ioc-host is running: nobody watches "${name}"`);
    if (silent.length > 0) throw new DreyError('unavailable', `"${name}" is not with the ioc-hosts that answered; these did not: ${silent.join(', ')}`);
    throw new DreyError('notFound', `no ioc-host knows an IOC "${name}"; IOCs are named host:port`);
  };

  return {
    list: async (): Promise<IocList> => {
      const { answers, silent } = await ask();
      return { iocs: answers.flatMap(({ iocs }) => iocs).sort((a, b) => (a.name < b.name ? -1 : 1)), silentHosts: silent };
    },

    show,

    command: async (caller: Caller, name: string, { command, reason }: IocCommand): Promise<IocView> => {
      const { channelList: _, ...before } = await show(name);
      return audit.command(caller, { what: `iocs.${command}`, subject: name, why: reason, before }, async () => {
        const body = json.encode({ ioc: name, command, reason, who: caller.who });
        const after = json.decode<IocView>(await bus.request(subjects.hostCommand, body, answerWithinMs));
        return { value: after, after };
      });
    },
  };
}
export type IocOperations = ReturnType<typeof createIocOperations>;
