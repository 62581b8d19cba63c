// Process of the bench: `ws` alone. Sends every client a message of so many bytes, so many times a second. node ws-limit.ts BYTES PER_SECOND
import { WebSocketServer } from 'ws';

const [bytes, perSecond] = process.argv.slice(2).map(Number) as [number, number];
const message = Buffer.alloc(bytes, 1);
message.writeUInt32LE(0, 4);
message.write('{"type":"diff"}', 8, 'latin1');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.once('listening', () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
setInterval(() => {
  for (const client of server.clients) if (client.bufferedAmount < 1024 * 1024) client.send(message);
}, 1000 / perSecond);
process.stdin.on('close', () => process.exit(0)).resume();
