/** `drey schedule`, `trigger`, `webhook`: the rules by which Drey acts unasked (docs/automation.md); `drey rule list` shows all of them. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { webhookEvents, type RuleKind, type ScheduleView, type TriggerRule, type TriggerView, type WebhookView } from '../../contracts/automation.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { Client } from '../client.ts';
import { anyNumber, wholeNumber } from '../numbers.ts';
import { localTime, print, printJson, printTable } from '../output.ts';
import { oneOf } from '../reference.ts';
import { keepsWords, scopeWords } from '../rule-words.ts';
import { tagGroups, type TagGroup } from '../tag-groups.ts';
import { tagScope } from '../tag-scope.ts';

type Rule = ScheduleView | TriggerView | WebhookView;
const pathOf = (kind: RuleKind): string => `/v1/${kind}s`;

interface TakeOptions {
  title: string;
  description?: string;
  tag?: string[];
  only?: string[];
  monitored?: true;
  label?: string[];
  golden?: true;
  deadline?: number;
  timeZone?: string;
  off?: true;
}

export function ruleCommands(connect: () => Client): Command[] {
  const rule = new Command('rule').description('everything that Drey does unasked: schedules, triggers, webhooks');
  rule
    .command('list')
    .description('all of them (webhooks need the scope admin)')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const client = connect();
      const all = await Promise.all((['schedule', 'trigger', 'webhook'] as const).map(async (kind) => ({ kind, rules: await listed(client, kind) })));
      if (options.json) return printJson(Object.fromEntries(all.map(({ kind, rules }) => [`${kind}s`, rules])));
      const groups = await tagGroups(client);
      const rows = all.flatMap(({ kind, rules }) => (rules ?? []).map((one) => [kind, one.name, stateOf(one), about(one), ...takes(one, groups), last(one), one.id]));
      if (rows.length > 0) printTable(['KIND', 'NAME', '', 'WHAT', 'SCOPE', 'KEEPS', 'LAST', 'ID'], rows);
      else print('no rules');
      if (all.some(({ rules }) => rules === null)) print('webhooks are shown to keys with the scope admin');
    });
  return [rule, scheduleCommand(connect), triggerCommand(connect), webhookCommand(connect)];
}

function scheduleCommand(connect: () => Client): Command {
  const schedule = new Command('schedule').description('snapshots by the clock');
  common(schedule, 'schedule', connect);
  addRun(schedule, 'schedule', connect);
  snapshotOptions(schedule.command('add <name>').description('have snapshots taken by the clock').requiredOption('--cron <expression>', 'five fields: minute, hour, day of month, month, day of week'))
    .option('--keep-last <n>', 'of its snapshots keep the newest so many', wholeNumber)
    .option('--keep-daily <n>', 'and the last one of each of so many days', wholeNumber)
    .option('--keep-tagged <label...>', 'and those with any of these labels')
    .addHelpText('after', '\nExamples:\n  drey schedule add nightly --cron "0 6 * * *" --time-zone Europe/Zurich --title "night {date}, {pv:BEAM:CURRENT} mA" --keep-last 14 --keep-daily 60\n  drey schedule run nightly')
    .action(async (name: string, options: TakeOptions & { cron: string; keepLast?: number; keepDaily?: number; keepTagged?: string[] }) => {
      const { cron, keepLast, keepDaily, keepTagged } = options;
      const retention = keepLast === undefined && keepDaily === undefined && keepTagged === undefined ? null : { keepLast, keepDaily, keepTagged };
      told(await connect().post<ScheduleView>(pathOf('schedule'), { name, cron, ...taking(options), retention }), 'made');
    });
  return schedule;
}

function triggerCommand(connect: () => Client): Command {
  const trigger = new Command('trigger').description('snapshots when a PV says so');
  common(trigger, 'trigger', connect);
  addRun(trigger, 'trigger', connect);
  snapshotOptions(trigger.command('add <name>').description('have snapshots taken when a PV says so; say one of --rising, --change, --deadband').requiredOption('--pv <name>', 'a channel of the catalogue'))
    .option('--rising <value>', 'when it comes from below to this value or above', anyNumber)
    .option('--change', 'when its value is another')
    .option('--deadband <width>', 'when it has moved by more than this', anyNumber)
    .option('--holdoff <ms>', 'nothing fires for so long after a firing', wholeNumber)
    .addHelpText('after', '\nExamples:\n  drey trigger add dump --pv BEAM:DUMP --rising 1 --title "dump at {time}" --monitored --holdoff 5000\n  drey trigger off dump')
    .action(async (name: string, options: TakeOptions & { pv: string; rising?: number; change?: true; deadband?: number; holdoff?: number }) => {
      told(await connect().post<TriggerView>(pathOf('trigger'), { name, pvName: options.pv, on: condition(options), holdoffMs: options.holdoff, ...taking(options) }), 'made');
    });
  return trigger;
}

function webhookCommand(connect: () => Client): Command {
  const webhook = new Command('webhook').description('tell other programs what happens (scope admin)');
  common(webhook, 'webhook', connect);
  webhook
    .command('add <name>')
    .description('have events posted to a URL')
    .requiredOption('--to <url>', 'http:// or https://')
    .addOption(new Option('--event <event...>', 'which').choices(webhookEvents).makeOptionMandatory())
    .option('--secret-file <file>', 'the key of the signature, 8 characters or more; in a file, since command lines are seen by all users')
    .option('--off', 'make it, and leave it off')
    .addHelpText('after', '\nExample:\n  drey webhook add chat --to https://chat.example/hooks/1 --event snapshot.taken job.failed')
    .action(async (name: string, options: { to: string; event: string[]; secretFile?: string; off?: true }) => {
      const secret = options.secretFile === undefined ? null : secretIn(options.secretFile);
      told(await connect().post<WebhookView>(pathOf('webhook'), { name, url: options.to, events: options.event, secret, enabled: !options.off }), 'made');
    });
  return webhook;
}

function common(command: Command, kind: RuleKind, connect: () => Client): void {
  const find = async (client: Client, reference: string): Promise<Rule> => oneOf(await client.get<Rule[]>(pathOf(kind)), reference, kind);
  command
    .command('list')
    .description(`all ${kind}s`)
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const rules = await connect().get<Rule[]>(pathOf(kind));
      if (options.json) return printJson(rules);
      if (rules.length === 0) return print(`no ${kind}s`);
      printTable(['NAME', '', 'WHAT', 'LAST', 'ID'], rules.map((one) => [one.name, stateOf(one), about(one), last(one), one.id]));
    });
  command
    .command('show <name>')
    .description('one, by name, id, or part of the id')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: { json?: true }) => {
      const client = connect();
      const one = await find(client, reference);
      if (options.json) return printJson(one);
      print(`${one.name}  ${stateOf(one)}  ${one.id}`);
      print(about(one));
      if (!('url' in one)) {
        const [scope, keeps] = takes(one, await tagGroups(client));
        const { title, mode, labels, golden } = one.request;
        print(`takes "${title}" of ${scope}, ${mode}${labels?.length ? `, labels ${labels.join(', ')}` : ''}${golden ? ', golden' : ''}`);
        print(`keeps ${keeps}`);
      }
      print(`last ${last(one) || 'never'}${'lastNote' in one && one.lastNote !== null ? `: ${one.lastNote}` : ''}`);
      print(`made ${localTime(one.createdDate)} by ${one.createdBy}`);
    });
  for (const [verb, enabled] of [['on', true], ['off', false]] as const) {
    command
      .command(`${verb} <name>`)
      .description(enabled ? 'let it act' : 'keep it, and let it rest')
      .action(async (reference: string) => {
        const client = connect();
        told(await client.put<Rule>(`${pathOf(kind)}/${(await find(client, reference)).id}`, { enabled }), `is ${verb}`);
      });
  }
  command
    .command('remove <name>')
    .description(kind === 'webhook' ? 'remove it' : 'remove it; its snapshots stay')
    .action(async (reference: string) => {
      const client = connect();
      const { id, name } = await find(client, reference);
      await client.delete(`${pathOf(kind)}/${id}`);
      print(`${kind} "${name}" is removed`);
    });
}

function addRun(command: Command, kind: 'schedule' | 'trigger', connect: () => Client): void {
  command
    .command('run <name>')
    .description('take its snapshot now; also when it is off')
    .action(async (reference: string) => {
      const client = connect();
      const { id, name } = oneOf(await client.get<Rule[]>(pathOf(kind)), reference, kind);
      const { jobId } = await client.post<{ jobId: string }>(`${pathOf(kind)}/${id}/run`, undefined);
      const job = await client.finished(jobId, () => {});
      if (job.status !== 'completed') throw new DreyError(job.status === 'cancelled' ? 'cancelled' : (job.errorCode ?? 'internal'), `job ${jobId} ${job.status}: ${job.error ?? job.message}`);
      print(`${kind} "${name}": ${job.message}; snapshot ${job.resultId}`);
    });
}

function snapshotOptions(command: Command): Command {
  return command
    .requiredOption('--title <template>', '{date}, {time} and {pv:NAME} are filled in')
    .option('--description <text>', 'what it is for')
    .option('--time-zone <name>', 'IANA name, such as Europe/Zurich; UTC without it')
    .option('--tag <Group=Tag...>', 'only entries with these tags: any within a group, all groups')
    .option('--only <pv...>', 'only these PVs')
    .option('--monitored', 'from the values that monitors keep, instead of fresh reads')
    .option('--deadline <ms>', 'time an IOC has for answering', wholeNumber)
    .option('--label <text...>', 'words to find its snapshots by')
    .option('--golden', 'its snapshots are references (needs the scope write or admin)')
    .option('--off', 'make it, and leave it off');
}

function taking({ title, description, tag, only, monitored, label, golden, deadline, timeZone, off }: TakeOptions): object {
  if (tag && only) throw new DreyError('badInput', 'give --tag or --only, not both');
  const scope = only ? { kind: 'names', pvNames: only } : tag ? tagScope(tag) : undefined;
  return { timeZone, enabled: !off, request: { title, description, scope, labels: label, golden, deadlineMs: deadline, ...(monitored ? { mode: 'monitored' } : {}) } };
}

function condition({ rising, change, deadband }: { rising?: number; change?: true; deadband?: number }): TriggerRule {
  const given: TriggerRule[] = [
    ...(rising === undefined ? [] : [{ kind: 'rising' as const, value: rising }]), ...(change ? [{ kind: 'change' as const }] : []), ...(deadband === undefined ? [] : [{ kind: 'deadband' as const, value: deadband }]),
  ];
  if (given.length !== 1) throw new DreyError('badInput', `say one of --rising, --change, --deadband${given.length === 0 ? '' : `, not ${given.length}`}`);
  return given[0]!;
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new DreyError('badInput', `--secret-file ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Null: this key may not see them. */
async function listed(client: Client, kind: RuleKind): Promise<Rule[] | null> {
  return client.get<Rule[]>(pathOf(kind)).catch((error: unknown) => {
    if (error instanceof DreyError && error.code === 'forbidden') return null;
    throw error;
  });
}

const takes = (rule: Rule, groups: readonly TagGroup[]): string[] => ('url' in rule ? ['', ''] : [scopeWords(rule.request.scope, groups), keepsWords(rule)]);
const stateOf = ({ enabled }: Rule): string => (enabled ? 'on' : 'off');

function about(rule: Rule): string {
  if ('cron' in rule) return `${rule.cron} ${rule.timeZone}${rule.nextFiringAt === null ? '' : `, next ${localTime(rule.nextFiringAt)}`}`;
  if ('url' in rule) return `${rule.events.join(', ')} to ${rule.url}`;
  return `${rule.pvName} ${rule.on.kind}${'value' in rule.on ? ` ${rule.on.value}` : ''}`;
}

function last(rule: Rule): string {
  if ('url' in rule) return rule.lastDelivery === null ? '' : `${rule.lastDelivery.outcome} ${localTime(rule.lastDelivery.at)}`;
  return rule.lastFiringAt === null ? '' : localTime(rule.lastFiringAt);
}

function told(rule: Rule, what: string): void {
  print(`"${rule.name}" ${what}: ${about(rule)}  (${rule.id})`);
}
