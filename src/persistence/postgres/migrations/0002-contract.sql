-- Dates of tag groups and of the last change of a key, as clients of the Squirrel contract show them.
alter table tag_group
  add created_at timestamptz not null default now(),
  add modified_at timestamptz not null default now();

alter table api_key add updated_at timestamptz;
update api_key set updated_at = created_at;
alter table api_key alter updated_at set default now(), alter updated_at set not null;
