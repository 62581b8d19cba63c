-- The rows of a restore in parts of some hundred: a row of a table each, with two indexes, took Postgres longer than
-- all else in a restore, and every look at one row read the values of all.
create table restore_part (
  restore int4 not null,
  -- Number of its first row.
  first_row int4 not null,
  lowest int4 not null,
  highest int4 not null,
  -- One element per row. Absent: 0 in all.
  channel int4[] not null,
  outcome int2[] not null,
  why int2[],
  code int4[],
  attempted bool[] not null,
  -- Columns of the values before, asked for and after, as frames (contracts/frame.ts).
  before_values bytea not null,
  target_values bytea not null,
  after_values bytea not null
);
-- In this order, so that the newest restore's first rows are found first.
create unique index restore_part_order on restore_part (restore desc, first_row);
create index restore_part_channels on restore_part using gist (int4range(lowest, highest, '[]'));

-- One part each: their values are one frame.
insert into restore_part
select r.number, 0, x.lowest, x.highest, x.channel, x.outcome, x.why, x.code, x.attempted, r.before_values, r.target_values, r.after_values
from restore r join (
  select restore, min(channel) as lowest, max(channel) as highest, array_agg(channel order by row) as channel, array_agg(outcome order by row) as outcome,
    array_agg(why order by row) as why, array_agg(code order by row) as code, array_agg(attempted order by row) as attempted
  from restore_row group by restore
) x on x.restore = r.number;

-- Kept as they are: they hardly shrink, and trying costs more than storing.
alter table restore_part
  alter channel set storage external, alter outcome set storage external, alter attempted set storage external,
  alter before_values set storage external, alter target_values set storage external, alter after_values set storage external;

alter table restore add counts json not null default '{}';
update restore set counts = coalesce((select json_object_agg(outcome, count) from (select outcome, count(*) from restore_row where restore = number group by outcome) x), '{}');
alter table restore alter counts drop default, drop before_values, drop target_values, drop after_values;
drop table restore_row;

create view restore_row as
select p.restore, p.first_row, p.first_row + x.at::int4 - 1 as row, x.channel, x.outcome, coalesce(x.why, 0::int2) as why, coalesce(x.code, 0) as code, x.attempted, p.lowest, p.highest
from restore_part p cross join lateral unnest(p.channel, p.outcome, p.why, p.code, p.attempted) with ordinality x(channel, outcome, why, code, attempted, at);
