/** A WebSocket client that keeps what it was sent, and merges values as a client would. */
import { WebSocket } from 'ws';
import { decodeFrame, type Frame } from '../../src/contracts/frame.ts';
import { eventually } from '../harness/index.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into messages of every shape
export type Said = any;

export interface LiveClientForTest extends AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: Said[];
  readonly frames: Frame<Said>[];
  /** Values by name, of all `initial` and `diff` so far. */
  readonly values: Record<string, Said>;
  /** Of the end: code and reason. */
  readonly closed: Promise<{ code: number; reason: string }>;
  say(message: unknown): void;
  /** Waits for a message that came after the call of `from`, or any. */
  next(type: string, where?: (message: Said) => boolean): Promise<Said>;
  of(type: string): Said[];
}

/** What is no JSON is kept too, for the test that waits for something else to show. */
function said(text: string): Said {
  try {
    return JSON.parse(text);
  } catch (error) {
    return { type: `no JSON: ${String(error)}` };
  }
}

export async function connectLive(url: string, options: { key?: string; path?: string; protocol?: string } = {}): Promise<LiveClientForTest> {
  const address = `${url.replace(/^http/, 'ws')}${options.path ?? '/v1/ws/pvs'}`;
  const socket = new WebSocket(address, options.protocol === undefined ? [] : [options.protocol], { headers: options.key === undefined ? {} : { 'x-api-key': options.key }, perMessageDeflate: false });
  const messages: Said[] = [];
  const frames: Frame<Said>[] = [];
  const values: Record<string, Said> = {};
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      const frame = decodeFrame<Said>(data);
      frames.push(frame);
      messages.push(frame.head);
      return;
    }
    const message = said(data.toString());
    messages.push(message);
    if (message.type === 'initial' || message.type === 'diff') for (const [name, value] of Object.entries(message.data as object)) values[name] = { ...values[name], ...value };
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  const seen = new Map<string, number>();
  return {
    socket, messages, frames, values, closed,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    of: (type) => messages.filter((message) => message.type === type),
    next: async (type, where = () => true) => {
      const from = seen.get(type) ?? 0;
      const at = await eventually(() => {
        const found = messages.findIndex((message, i) => i >= from && message.type === type && where(message));
        return found < 0 ? undefined : found + 1;
      }, { saying: `a message ${type}; so far ${JSON.stringify(messages.map((message) => message.type).slice(-20))}`, withinMs: 8_000 });
      seen.set(type, at);
      return messages[at - 1];
    },
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}
