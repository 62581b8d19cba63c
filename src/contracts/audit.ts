/** What the audit log records (A1). docs/api.md says what is in each. */
export const auditedDeeds = [
  'pv.write', 'restore.run',
  'iocs.open', 'iocs.close', 'iocs.observe',
  'pvs.create', 'pvs.edit', 'pvs.delete',
  'tags.createGroup', 'tags.editGroup', 'tags.deleteGroup', 'tags.createTag', 'tags.editTag', 'tags.deleteTag', 'tags.ensure',
  'snapshots.edit', 'snapshots.delete', 'snapshots.import',
  'jobs.cancel', 'jobs.retry',
  'schedules.create', 'schedules.edit', 'schedules.delete', 'schedules.run', 'schedules.fire',
  'triggers.create', 'triggers.edit', 'triggers.delete', 'triggers.run', 'triggers.fire',
  'webhooks.create', 'webhooks.edit', 'webhooks.delete',
  'apiKeys.create', 'apiKeys.deactivate',
  'migrate.squirrel',
] as const;
export type AuditedDeed = (typeof auditedDeeds)[number];
