/**
 * The one table of everything said on the bus. `<name>` in a subject is one token. Checked against
 * wire-baseline.txt by a test: a subject, its kind or its body is never changed, only added to.
 */
export interface SubjectRow {
  readonly subject: string;
  /** `event`: published, nobody answers. `request`: core request. `service`: offered to other facility services. `work`: JetStream work queue. `log`: JetStream, kept. */
  readonly kind: 'event' | 'request' | 'service' | 'work' | 'log';
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly answer?: string;
  readonly about: string;
}

export const subjectTable: readonly SubjectRow[] = [
  { subject: 'drey.v1.work.<host>.read', kind: 'work', from: 'coordinator', to: 'ioc-host', body: 'frame ReadItem', about: 'read these channels of one IOC, answer on replyTo' },
  { subject: 'drey.v1.work.<host>.write', kind: 'work', from: 'coordinator', to: 'ioc-host', body: 'frame WriteItem', about: 'write these channels of one IOC, log every row' },
  { subject: 'drey.v1.log.restore.<job>.<item>', kind: 'log', from: 'ioc-host, coordinator', to: 'coordinator, ioc-host', body: 'frame RestoreLogEntry', about: 'what was attempted and what became of it' },
  { subject: 'drey.v1.firing.<trigger>', kind: 'work', from: 'ioc-host', to: 'coordinator', body: 'Firing', about: 'a trigger has fired: take its snapshot' },
  { subject: 'drey.v1.delivery.<webhook>', kind: 'work', from: 'coordinator', to: 'coordinator', body: 'WebhookMessage', about: 'something to tell a webhook' },

  { subject: 'drey.v1.live.read', kind: 'request', from: 'gateway, coordinator', to: 'every ioc-host', body: 'frame LiveRead', answer: 'frame LiveAnswer', about: 'interactive read, each host answers for its channels' },
  { subject: 'drey.v1.live.describe', kind: 'request', from: 'gateway, coordinator', to: 'every ioc-host', body: 'DescribeRequest', answer: '{metas}', about: 'channel descriptions by hash' },
  { subject: 'drey.v1.live.interest', kind: 'event', from: 'gateway', to: 'every ioc-host', body: 'LiveInterest', about: 'a gateway has clients that watch live values; expires unless renewed' },
  { subject: 'drey.v1.live.updates.<host>', kind: 'event', from: 'ioc-host', to: 'gateway', body: 'frame LiveUpdates', about: 'rows that changed in the last window, while a gateway is interested' },
  { subject: 'drey.v1.host.iocs', kind: 'request', from: 'gateway', to: 'every ioc-host', body: '{ioc?}', answer: '{host, iocs: IocView[], channels?: ChannelView[]}', about: 'IOC actors and, for one IOC, its channels' },
  { subject: 'drey.v1.host.command', kind: 'request', from: 'gateway', to: 'every ioc-host', body: '{ioc, command, reason, who}', answer: 'IocView, from the owner alone', about: 'operator opens, closes or observes a breaker' },
  { subject: 'drey.v1.catalogue.channels', kind: 'request', from: 'ioc-host', to: 'one coordinator', body: '{after, limit}', answer: '{revision, channels: [id, name, ioc][], more}', about: 'the channel dictionary in pages, by id' },
  { subject: 'drey.v1.directory.update', kind: 'request', from: 'ioc-host', to: 'one coordinator', body: '{host, found: {ioc: ids}}', answer: '{}', about: 'where channels were found; kept for the next start' },
  { subject: 'drey.v1.automation.triggers', kind: 'request', from: 'ioc-host', to: 'one coordinator', body: '{}', answer: '{triggers: WatchedTrigger[]}', about: 'the enabled triggers, for the hosts that watch their channels' },

  { subject: 'drey.v1.event.catalogue', kind: 'event', from: 'gateway', to: 'everybody', body: '{revision}', about: 'the catalogue has a new revision' },
  { subject: 'drey.v1.event.automation', kind: 'event', from: 'gateway', to: 'everybody', body: '{kind: schedule|trigger|webhook, id}', about: 'a schedule, trigger or webhook was made, edited or deleted' },
  { subject: 'drey.v1.event.directory', kind: 'event', from: 'coordinator', to: 'everybody', body: '{found: {ioc: ids}}', about: 'channels have a (new) IOC' },
  { subject: 'drey.v1.event.ioc.<host>', kind: 'event', from: 'ioc-host', to: 'everybody', body: 'IocView', about: 'the breaker or circuit of an IOC changed' },
  { subject: 'drey.v1.event.job.<job>', kind: 'event', from: 'coordinator', to: 'everybody', body: 'Job', about: 'progress, completion, failure of a job' },
  { subject: 'drey.v1.event.snapshot.<snapshot>', kind: 'event', from: 'coordinator, gateway', to: 'everybody', body: '{what: taken|edited|deleted, snapshot}', about: 'a snapshot was stored whole, edited or deleted' },
  { subject: 'drey.v1.event.restore.<job>', kind: 'event', from: 'coordinator', to: 'everybody', body: '{job, snapshotId, outcomes: {name: rows}}', about: 'a restore ended' },

  { subject: 'drey.v1.api.snapshots.take', kind: 'service', from: 'facility services', to: 'gateway', body: '{...TakeSnapshot, user?}', answer: '{jobId, message}', about: 'as POST /v1/snapshots' },
  { subject: 'drey.v1.api.snapshots.list', kind: 'service', from: 'facility services', to: 'gateway', body: '{title?, tags?, limit?, offset?, user?}', answer: 'SnapshotSummary[]', about: 'as GET /v1/snapshots' },
  { subject: 'drey.v1.api.snapshots.show', kind: 'service', from: 'facility services', to: 'gateway', body: '{id, limit?, offset?, search?, user?}', answer: 'snapshot with values', about: 'as GET /v1/snapshots/{id}' },
  { subject: 'drey.v1.api.snapshots.delete', kind: 'service', from: 'facility services', to: 'gateway', body: '{id, user?}', answer: 'true', about: 'as DELETE /v1/snapshots/{id}' },
  { subject: 'drey.v1.api.restore.plan', kind: 'service', from: 'facility services', to: 'gateway', body: '{snapshotId, request, limit?, offset?, verdict?, user?}', answer: 'RestorePlan', about: 'the dry run' },
  { subject: 'drey.v1.api.restore.run', kind: 'service', from: 'facility services', to: 'gateway', body: '{snapshotId, request, user?}', answer: '{jobId, message}', about: 'as POST /v1/snapshots/{id}/restore' },
  { subject: 'drey.v1.api.jobs.list', kind: 'service', from: 'facility services', to: 'gateway', body: '{status?, limit?, user?}', answer: 'Job[]', about: 'as GET /v1/jobs' },
  { subject: 'drey.v1.api.jobs.show', kind: 'service', from: 'facility services', to: 'gateway', body: '{id, user?}', answer: 'Job', about: 'as GET /v1/jobs/{id}' },
  { subject: 'drey.v1.api.jobs.cancel', kind: 'service', from: 'facility services', to: 'gateway', body: '{id, user?}', answer: 'Job', about: 'as POST /v1/jobs/{id}/cancel' },
  { subject: 'drey.v1.api.pvs.live', kind: 'service', from: 'facility services', to: 'gateway', body: '{pvNames, mode?, deadlineMs?, user?}', answer: '{name: value}', about: 'as POST /v1/pvs/live' },
  { subject: 'drey.v1.api.iocs.list', kind: 'service', from: 'facility services', to: 'gateway', body: '{user?}', answer: 'IocView[]', about: 'as GET /v1/iocs' },
  { subject: 'drey.v1.api.iocs.command', kind: 'service', from: 'facility services', to: 'gateway', body: '{ioc, command, reason, user?}', answer: 'IocView', about: 'as POST /v1/iocs/{ioc}/{command}' },
];

/** Subjects by name, so that a typo is a type error. Tokens must be free of dots, blanks and wildcards: see {@link token}. */
export const subjects = {
  work: (host: string, what: 'read' | 'write') => `drey.v1.work.${token(host)}.${what}`,
  workOf: (host: string) => `drey.v1.work.${token(host)}.*`,
  allWork: 'drey.v1.work.*.*',
  restoreLog: (job: string, item: number | '*') => `drey.v1.log.restore.${token(job)}.${item}`,
  allRestoreLogs: 'drey.v1.log.restore.*.*',
  firing: (trigger: string) => `drey.v1.firing.${token(trigger)}`,
  allFirings: 'drey.v1.firing.*',
  delivery: (webhook: string) => `drey.v1.delivery.${token(webhook)}`,
  allDeliveries: 'drey.v1.delivery.*',
  liveRead: 'drey.v1.live.read',
  liveDescribe: 'drey.v1.live.describe',
  liveInterest: 'drey.v1.live.interest',
  liveUpdates: (host: string) => `drey.v1.live.updates.${token(host)}`,
  allLiveUpdates: 'drey.v1.live.updates.*',
  hostIocs: 'drey.v1.host.iocs',
  hostCommand: 'drey.v1.host.command',
  catalogueChannels: 'drey.v1.catalogue.channels',
  directoryUpdate: 'drey.v1.directory.update',
  automationTriggers: 'drey.v1.automation.triggers',
  automationEvent: 'drey.v1.event.automation',
  catalogueEvent: 'drey.v1.event.catalogue',
  directoryEvent: 'drey.v1.event.directory',
  iocEvent: (host: string) => `drey.v1.event.ioc.${token(host)}`,
  iocEvents: 'drey.v1.event.ioc.*',
  jobEvent: (job: string) => `drey.v1.event.job.${token(job)}`,
  jobEvents: 'drey.v1.event.job.*',
  snapshotEvent: (snapshot: string) => `drey.v1.event.snapshot.${token(snapshot)}`,
  snapshotEvents: 'drey.v1.event.snapshot.*',
  restoreEvent: (job: string) => `drey.v1.event.restore.${token(job)}`,
  restoreEvents: 'drey.v1.event.restore.*',
  api: 'drey.v1.api',
} as const;

export const streams = { work: 'DREY_WORK', restoreLog: 'DREY_RESTORE_LOG', firings: 'DREY_FIRINGS', deliveries: 'DREY_DELIVERIES' } as const;
export const buckets = { jobs: 'drey-jobs', hosts: 'drey-hosts', orders: 'drey-orders' } as const;

/** One token of a subject from any text: what a token cannot hold becomes `_`. */
export function token(text: string): string {
  return text.replace(/[^A-Za-z0-9_=-]/g, '_');
}
