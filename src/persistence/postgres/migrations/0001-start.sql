-- Counters that readers compare to see whether they are up to date. A writer of the catalogue locks
-- its row first, so that revisions are made one after the other and become visible in that order.
create table revision (
  name text primary key,
  value int4 not null
);
insert into revision values ('catalogue', 0), ('directory', 0);

-- The name dictionary: a name keeps its id for ever, so history is keyed by channel (S2).
create table channel (
  id int4 generated always as identity primary key,
  name text collate "C" not null unique
);

create table ioc (
  id int4 generated always as identity primary key,
  name text not null unique
);

-- Where each channel was found last.
create table directory (
  channel_id int4 primary key references channel,
  ioc_id int4 not null references ioc
) with (fillfactor = 70);

create table tag_group (
  id uuid primary key,
  name text not null,
  description text
);
create unique index tag_group_name on tag_group (lower(name));

create table tag (
  id uuid primary key,
  group_id uuid not null references tag_group on delete cascade,
  name text not null,
  description text
);
create unique index tag_name on tag (group_id, lower(name));

-- An entry as it stood from one revision up to, not including, another (S2). Names of channels never
-- change, so they stand here too; names of tags do, so they stand here as they were.
create table entry_version (
  id int4 generated always as identity primary key,
  entry_id uuid not null,
  from_revision int4 not null,
  to_revision int4 not null default 2147483647,
  setpoint int4 references channel,
  readback int4 references channel,
  config int4 references channel,
  setpoint_name text collate "C",
  readback_name text collate "C",
  config_name text collate "C",
  device text not null,
  description text not null,
  abs_tolerance float8 not null,
  rel_tolerance float8 not null,
  read_only bool not null,
  tags uuid[] not null,
  tag_names text[] not null,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  unique (entry_id, from_revision),
  check (setpoint is not null or readback is not null or config is not null)
);
create unique index entry_setpoint on entry_version (setpoint) where to_revision = 2147483647;
create index entry_readback on entry_version (readback) where to_revision = 2147483647;
create index entry_config on entry_version (config) where to_revision = 2147483647;
create unique index entry_current on entry_version (entry_id) where to_revision = 2147483647;
create index entry_tags on entry_version using gin (tags) where to_revision = 2147483647;

-- Units, limits and labels by the hash of their content. Text, because jsonb has neither NUL nor NaN.
create table channel_meta (
  hash int8 primary key,
  meta text not null
);

create sequence snapshot_number as int4;

-- Written in the transaction that stored the values: what is listed is whole (S1).
create table snapshot (
  number int4 primary key,
  id uuid not null unique,
  title text not null,
  description text not null,
  created_by text not null,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  mode text not null,
  kind text not null,
  scope json not null,
  job_id text not null,
  catalogue_revision int4 not null,
  entry_ids uuid[],
  tags uuid[] not null,
  pv_count int4 not null,
  quality json not null,
  unique (job_id, kind)
);
create index snapshot_tags on snapshot using gin (tags);

-- One row per channel and snapshot. Text is bytes, because Postgres text has no NUL. Absent: time 0,
-- hash 0, code 0, and the number of a row that has none. Arrays are little-endian elements of `kind`.
create table snapshot_value (
  time_ns int8,
  meta_hash int8,
  num float8,
  snapshot int4 not null,
  channel int4 not null,
  code int4,
  outcome int2 not null,
  kind int2 not null,
  severity int2 not null,
  status int2 not null,
  raw_text bool,
  txt bytea,
  arr bytea,
  primary key (snapshot, channel)
) partition by range (snapshot);

create table restore (
  number int4 generated always as identity primary key,
  job_id text not null unique,
  snapshot_id uuid not null,
  who text not null,
  reason text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  -- Columns of the values before, asked for and after, as frames (contracts/frame.ts), rows as in restore_row.
  before_values bytea not null,
  target_values bytea not null,
  after_values bytea not null
);
alter table restore alter before_values set storage external, alter target_values set storage external, alter after_values set storage external;

-- No foreign keys here and in snapshot_value: checking each of 50,000 rows takes longer than storing them.
create table restore_row (
  restore int4 not null,
  row int4 not null,
  channel int4 not null,
  outcome int2 not null,
  why int2 not null,
  code int4 not null,
  primary key (restore, row)
);

create table api_key (
  id uuid primary key,
  app_name text not null,
  token_hash bytea not null unique,
  scopes text[] not null,
  is_active bool not null default true,
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);
create unique index api_key_name on api_key (app_name) where is_active;

-- A1. Text, not jsonb: what was there before must read as it was.
create table audit (
  id int8 generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  what text not null,
  subject text not null,
  before text,
  after text,
  why text not null,
  result text not null
);
create index audit_subject on audit (subject, id);
create index audit_what on audit (what, id);
create index audit_who on audit (who, id);
