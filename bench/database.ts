import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

/** The bare database parts, on the same server and in the same shape of table as Drey's own. */
export class Database {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<Database> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    // Before autovacuum has counted fresh rows the planner takes them for a few hundred and loops: a limit must not be slow by that.
    await client.query('set enable_nestloop = off');
    await client.query('create table bench_value (like snapshot_value including all)');
    return new Database(client);
  }

  async #number(snapshotId: string): Promise<number> {
    const { rows } = await this.#client.query<{ number: number }>('select number from snapshot where id = $1', [snapshotId]);
    const [row] = rows;
    if (row === undefined) throw new Error(`no snapshot ${snapshotId} in the database`);
    return row.number;
  }

  /** The snapshot's rows in binary COPY, and how long they took to come. */
  async copyOut(snapshotId: string): Promise<{ ms: number; bytes: Buffer }> {
    const number = await this.#number(snapshotId);
    const started = performance.now();
    const chunks: Buffer[] = [];
    const stream = this.#client.query(copyTo(`copy (select * from snapshot_value where snapshot = ${number}) to stdout (format binary)`));
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { ms: performance.now() - started, bytes: Buffer.concat(chunks) };
  }

  /** COPY of those rows into a table with the same columns and key, to the end of its transaction. */
  async copyIn(bytes: Buffer): Promise<number> {
    await this.#client.query('truncate bench_value');
    const started = performance.now();
    await pipeline(Readable.from([bytes]), this.#client.query(copyFrom('copy bench_value from stdin (format binary)')));
    return performance.now() - started;
  }

  /** All of a snapshot's rows as the driver's plain arrays. */
  async select(snapshotId: string): Promise<number> {
    const number = await this.#number(snapshotId);
    const started = performance.now();
    await this.#client.query({ text: 'select * from snapshot_value where snapshot = $1 order by channel', values: [number], rowMode: 'array' });
    return performance.now() - started;
  }

  /** Which channels of two snapshots differ by more than their entry's tolerance. */
  async compare(first: string, second: string): Promise<{ ms: number; differing: number }> {
    const numbers = [await this.#number(first), await this.#number(second)];
    const started = performance.now();
    const { rows } = await this.#client.query({
      text: `select a.channel, a.num, b.num
        from snapshot_value a join snapshot_value b on b.channel = a.channel
        join entry_version e on e.setpoint = a.channel and e.to_revision = 2147483647
        where a.snapshot = $1 and b.snapshot = $2
          and (a.num is distinct from b.num and abs(a.num - b.num) > greatest(e.abs_tolerance, e.rel_tolerance * abs(a.num))
            or a.txt is distinct from b.txt or a.arr is distinct from b.arr)`,
      values: numbers,
      rowMode: 'array',
    });
    return { ms: performance.now() - started, differing: rows.length };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
