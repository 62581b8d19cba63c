/** The gateway as a client meets it: a request's time ends with the last byte of its answer. */
export class Http {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  get key(): string {
    return this.#key;
  }

  webSocket(path: string): string {
    return this.#url.replace(/^http/, 'ws') + path;
  }

  async bytes(method: string, path: string, body?: unknown, accept = 'application/json'): Promise<{ ms: number; body: Buffer }> {
    const started = performance.now();
    const response = await fetch(this.#url + path, {
      method,
      headers: { 'X-API-Key': this.#key, accept, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(120_000),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    const ms = performance.now() - started;
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer.toString().slice(0, 500)}`);
    return { ms, body: answer };
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<{ ms: number; body: T }> {
    const answer = await this.bytes(method, path, body);
    return { ms: answer.ms, body: JSON.parse(answer.body.toString()) as T };
  }
}
