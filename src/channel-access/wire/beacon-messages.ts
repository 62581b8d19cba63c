/** The datagrams between CA servers, the repeater of a host, and its clients. */

const headerBytes = 16;
const command = { version: 0, beacon: 13, confirm: 17, register: 24 } as const;

export interface Beacon {
  /** Address as sent, undefined when the sender's own is meant. */
  readonly host: string;
  readonly port: number;
  /** Counts up from the server's start. */
  readonly id: number;
}

export interface RepeaterTraffic {
  beacons: Beacon[];
  /** A client asks to be passed what comes. */
  registers: boolean;
  /** A repeater says that it passes things on to us. */
  confirmed: boolean;
}

/** What a datagram says; anything that is not about beacons is stepped over. */
export function readRepeaterDatagram(datagram: Buffer, sender: string): RepeaterTraffic {
  // Old clients register with nothing at all.
  const traffic: RepeaterTraffic = { beacons: [], registers: datagram.length === 0, confirmed: false };
  let at = 0;
  while (at + headerBytes <= datagram.length) {
    switch (datagram.readUInt16BE(at)) {
      case command.beacon: {
        const port = datagram.readUInt16BE(at + 6);
        const address = datagram.readUInt32BE(at + 12);
        if (port > 0) traffic.beacons.push({ host: address === 0 ? sender : dotted(address), port, id: datagram.readUInt32BE(at + 8) });
        break;
      }
      case command.confirm:
        traffic.confirmed = true;
        break;
      case command.register:
        traffic.registers = true;
        break;
    }
    at += headerBytes + datagram.readUInt16BE(at + 2);
  }
  return traffic;
}

/** Passed on, a beacon would seem to come from us: those that mean their sender are given its address. */
export function withSendersAddress(datagram: Buffer, sender: string): Buffer {
  const copy = Buffer.from(datagram);
  for (let at = 0; at + headerBytes <= copy.length; at += headerBytes + copy.readUInt16BE(at + 2)) {
    if (copy.readUInt16BE(at) === command.beacon && copy.readUInt32BE(at + 12) === 0) copy.writeUInt32BE(addressNumber(sender), at + 12);
  }
  return copy;
}

/** A client is registered under the address that it sent from. */
export function confirmation(host: string): Buffer {
  return message(command.confirm, addressNumber(host));
}

export function registration(): Buffer {
  return message(command.register, addressNumber('127.0.0.1'));
}

/** Says nothing; sending it shows whether somebody still listens. */
export function probe(): Buffer {
  return message(command.version, 0);
}

function message(code: number, address: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt16BE(code, 0);
  bytes.writeUInt32BE(address, 12);
  return bytes;
}

function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function addressNumber(host: string): number {
  return host.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
}
