// Process of the bench: WebSocket clients that watch everything and only count. node live-clients.ts URL KEY CLIENTS FORM WINDOW_MS
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [url, key, count, form, windowMs] = process.argv.slice(2) as [string, string, string, 'columns' | 'json', string];
let rows = 0;
let bytes = 0;
let messages = 0;
let missed = 0;
let pictures = 0;

/** Rows of a message, without reading the message. */
function rowsOf(data: Buffer, isBinary: boolean): number {
  if (isBinary) return data.readUInt32LE(8 + Math.ceil(data.readUInt32LE(4) / 8) * 8);
  return Number(/"count":(\d+)/.exec(data.toString('latin1', 0, 120))?.[1] ?? 0);
}

for (let i = 0; i < Number(count); i++) {
  const socket = new WebSocket(url, form === 'columns' ? ['drey.columns.v1'] : [], { headers: { 'x-api-key': key }, perMessageDeflate: false, skipUTF8Validation: true });
  socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', all: true, windowMs: Number(windowMs) })));
  socket.on('message', (data: Buffer, isBinary) => {
    const start = isBinary ? data.toString('latin1', 8, 200) : data.toString('latin1', 0, 200);
    if (start.includes('"type":"initial"')) pictures++;
    if (start.includes('"type":"error"')) process.stderr.write(`${start}\n`);
    if (!start.includes('"type":"diff"')) return;
    messages++;
    bytes += data.length;
    rows += rowsOf(data, isBinary);
    missed += Number(/"missed":(\d+)/.exec(start)?.[1] ?? 0);
  });
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}

// Each line asks for the counts so far.
createInterface({ input: process.stdin }).on('line', () => process.stdout.write(`${JSON.stringify({ rows, bytes, messages, missed, pictures })}\n`)).on('close', () => process.exit(0));
