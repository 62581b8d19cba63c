/** Numbers of the Channel Access protocol, minor version 13. */
export const minorVersion = 13;
/** From this minor version on a request for 0 elements means "as many as there are". */
export const countZeroVersion = 13;

export const Command = {
  version: 0,
  eventAdd: 1,
  eventCancel: 2,
  read: 3,
  write: 4,
  eventsOff: 8,
  eventsOn: 9,
  error: 11,
  clearChannel: 12,
  readNotify: 15,
  createChannel: 18,
  writeNotify: 19,
  clientName: 20,
  hostName: 21,
  accessRights: 22,
  echo: 23,
  createChannelFailed: 26,
  serverDisconnect: 27,
} as const;

/** Status codes (ECA) that mean something here; all others are passed on as numbers. */
export const Eca = {
  normal: 1,
  tooLarge: 72,
  badCount: 176,
  /** Of libca alone, not on the wire: the channel is not connected; the group has all its answers. */
  disconnected: 192,
  ioDone: 339,
  noReadAccess: 368,
  noWriteAccess: 376,
} as const;

/** Bits of an event mask. */
export const EventMask = { value: 1, log: 2, alarm: 4, property: 8 } as const;
