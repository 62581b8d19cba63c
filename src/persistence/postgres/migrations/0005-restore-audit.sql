-- A1: the rows of a restore are its audit events. Copying 50,000 of them into table audit took longer than writing them to the machine.
alter table restore_row add column attempted bool not null default true;
create index restore_row_channel on restore_row (channel, restore) where attempted;
alter table restore add column attempted int4 not null default 0;
update restore set attempted = (select count(*) from restore_row where restore = number);
