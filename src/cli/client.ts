/** The command line's side of the HTTP API: the same door as the browser. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import type { Config } from '../config.ts';
import { DreyError, errorStatus, type ErrorBody, type ErrorCode } from '../contracts/errors.ts';
import type { Job } from '../contracts/jobs.ts';
import { inCommandWords } from './command-words.ts';

export interface Client {
  readonly url: string;
  get<T>(path: string, query?: Query): Promise<T>;
  /** The body, and the header with the number of things in all pages. */
  getCounted<T>(path: string, query?: Query): Promise<{ body: T; totalCount: number }>;
  post<T>(path: string, body: unknown, query?: Query): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  /** A file as it is, whole or in pieces. */
  upload<T>(path: string, file: string | AsyncIterable<Uint8Array>, query?: Query): Promise<T>;
  /** A file, and what its format could not hold. */
  download(path: string, query?: Query): Promise<{ text: string; losses: string[] }>;
  /** The same piece by piece, for a file that need not fit into memory. */
  downloadPieces(path: string, query?: Query): Promise<{ pieces: AsyncIterable<Uint8Array>; losses: string[] }>;
  delete<T>(path: string): Promise<T>;
  /** Waits for the job's end; `onProgress` after each change seen. */
  finished(jobId: string, onProgress: (job: Job) => void): Promise<Job>;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export function createClient(config: Config): Client {
  const url = config.url.replace(/\/$/, '');
  const key = config.apiKey ?? keptKey(config.data);

  async function call(method: string, path: string, query: Query = {}, body?: unknown, file?: string | AsyncIterable<Uint8Array>): Promise<Response> {
    const target = new URL(`${url}${path}`);
    for (const [name, value] of Object.entries(query)) for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) target.searchParams.append(name, String(one));
    const headers: Record<string, string> = { accept: 'application/json', 'x-drey-user': userName() };
    if (key !== undefined) headers['x-api-key'] = key;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (file !== undefined) headers['content-type'] = 'text/plain; charset=utf-8';
    const sent = file ?? (body === undefined ? undefined : JSON.stringify(body));
    let response: Response;
    try {
      response = await fetch(target, { method, headers, ...(sent === undefined ? {} : { body: sent, duplex: 'half' }) });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new DreyError('unavailable', `no Drey answers at ${url} (${cause}): start one with \`npm start\`, or say where it is with DREY_URL`);
    }
    if (response.ok) return response;
    throw await faultOf(response, key === undefined, config.data);
  }

  const client: Client = {
    url,
    get: async (path, query) => (await call('GET', path, query)).json() as never,
    getCounted: async (path, query) => {
      const response = await call('GET', path, query);
      return { body: (await response.json()) as never, totalCount: Number(response.headers.get('x-total-count') ?? Number.NaN) };
    },
    post: async (path, body, query) => (await call('POST', path, query, body)).json() as never,
    put: async (path, body) => (await call('PUT', path, {}, body)).json() as never,
    upload: async (path, file, query) => (await call('POST', path, query, undefined, file)).json() as never,
    download: async (path, query) => {
      const response = await call('GET', path, query);
      return { text: await response.text(), losses: lossesOf(response) };
    },
    downloadPieces: async (path, query) => {
      const response = await call('GET', path, query);
      return { pieces: response.body ?? (async function* () {})(), losses: lossesOf(response) };
    },
    delete: async (path) => (await call('DELETE', path)).json() as never,
    async finished(jobId, onProgress) {
      for (;;) {
        const job = await client.get<Job>(`/v1/jobs/${jobId}`, { wait: 250 });
        onProgress(job);
        if (job.status !== 'pending' && job.status !== 'running') return job;
      }
    },
  };
  return client;
}

const lossesOf = (response: Response): string[] => JSON.parse(response.headers.get('x-drey-losses') ?? '[]') as string[];

function keptKey(dataFolder: string): string | undefined {
  const file = join(dataFolder, 'api-key');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without a passwd entry, as in some containers.
    return 'unknown';
  }
}

async function faultOf(response: Response, keyMissing: boolean, dataFolder: string): Promise<DreyError> {
  const text = await response.text();
  let body: Partial<ErrorBody> = {};
  try {
    body = JSON.parse(text) as Partial<ErrorBody>;
  } catch {
    // Not Drey's own answer: a proxy's page, perhaps.
  }
  const code = body.code ?? (Object.entries(errorStatus).find(([, status]) => status === response.status)?.[0] as ErrorCode | undefined) ?? 'internal';
  const detail = body.detail ?? `${response.status} ${response.statusText}: ${text.slice(0, 200)}`;
  const advice = keyMissing && response.status === 401 ? `; give a key with DREY_API_KEY (none was found in ${dataFolder})` : '';
  return new DreyError(code, `${inCommandWords(detail)}${advice}`, body.faults ? { faults: body.faults.map(inCommandWords) } : {});
}
