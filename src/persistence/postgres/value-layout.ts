/** The columns of snapshot_value in the order in which COPY carries them, and the bounds of its encoding. */
export const valueColumnNames = [
  'time_ns', 'meta_hash', 'num', 'snapshot', 'channel', 'code', 'outcome', 'kind', 'severity', 'status', 'raw_text', 'txt', 'arr',
] as const;

export const valueColumnList = valueColumnNames.join(', ');

/** "PGCOPY\n\377\r\n\0", no flags, no extension. */
export const copyHeader = Uint8Array.of(0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0);
export const copyTrailer = Uint8Array.of(0xff, 0xff);
