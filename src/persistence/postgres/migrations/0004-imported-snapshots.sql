-- Snapshots that came from elsewhere keep the time they were taken at: the list goes by it, not by the number.
create index snapshot_created on snapshot (created_at, number);
