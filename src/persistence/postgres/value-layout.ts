/** The columns of snapshot_value in the order in which COPY carries them, and the bounds of its encoding. */
export const valueColumnNames = [
  'time_ns', 'meta_hash', 'num', 'snapshot', 'channel', 'code', 'outcome', 'kind', 'severity', 'status', 'raw_text', 'txt', 'arr',
] as const;

export const valueColumnList = valueColumnNames.join(', ');

/**
 * What is read of a row. Of its columns COPY takes an absent one in a quarter of the time of a present one, so
 * what nearly all rows have in common is left out: the snapshot, and that a value was read and is in no alarm.
 */
export const readColumns = [
  'time_ns', 'meta_hash', 'num', 'channel', 'code', 'nullif(outcome, 1::int2)', 'kind', 'nullif(severity, 0::int2)', 'nullif(status, 0::int2)', 'raw_text', 'txt', 'arr',
] as const;

export const readColumnList = readColumns.join(', ');

/** "PGCOPY\n\377\r\n\0", no flags, no extension. */
export const copyHeader = Uint8Array.of(0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0);
export const copyTrailer = Uint8Array.of(0xff, 0xff);
