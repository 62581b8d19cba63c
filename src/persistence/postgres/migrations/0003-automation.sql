-- What people hang on a snapshot, and the rule that had it taken.
alter table snapshot
  add labels text[] not null default '{}',
  add golden bool not null default false,
  add origin text;
create index snapshot_labels on snapshot using gin (labels);
create index snapshot_origin on snapshot (origin, number) where origin is not null;

-- Schedules, triggers and webhooks. Nobody asks for them by what they say, so what they say is a document.
create table automation (
  id uuid primary key,
  kind text not null,
  name text not null,
  definition jsonb not null,
  -- What became of it, written by coordinators; not part of what people wrote.
  state jsonb not null default '{}',
  created_by text not null,
  created_at timestamptz not null,
  modified_at timestamptz not null
);
create unique index automation_name on automation (kind, lower(name));
