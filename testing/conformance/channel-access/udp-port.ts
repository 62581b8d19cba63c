// A repeater port for a test. Every soft IOC binds ports of the ephemeral range by the half dozen, so it
// lies below that.
import { createSocket } from 'node:dgram';

const first = 20_000, last = 32_000;

export async function freeUdpPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = first + Math.floor(Math.random() * (last - first));
    if (await canBind(port)) return port;
  }
  throw new Error(`no free UDP port between ${first} and ${last} in 100 tries`);
}

function canBind(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, () => socket.close(() => resolve(true)));
  });
}
