/**
 * The NATS door: the rows of kind `service` of contracts/subjects.ts, on the operations that HTTP has.
 * Bodies are JSON; `user` may name the person for the audit log. Refusals carry an ErrorBody.
 */
import { z } from 'zod';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { iocCommand } from '../../contracts/iocs.ts';
import { jobStatus } from '../../contracts/jobs.ts';
import { planVerdict } from '../../contracts/restores.ts';
import { snapshotMode, takeSnapshot } from '../../contracts/snapshots.ts';
import { authorise, busCaller, type Caller, type Operation } from '../access.ts';
import { parseInput } from '../input.ts';
import type { Operations } from '../operations/index.ts';
import { pvNames } from '../operations/live-values.ts';
import { restoreBody } from '../operations/restores.ts';
import { snapshotJson } from '../operations/snapshot-rows.ts';

const id = z.string().min(1).max(255);
const paging = (most: number, usual: number) => ({ limit: z.number().int().min(0).max(most).default(usual), offset: z.number().int().min(0).default(0) });
const restoring = { snapshotId: id, request: restoreBody };

type Answer = Promise<Uint8Array>;

export function offerServices(bus: Bus, operations: Operations, version: string): Promise<Subscription> {
  const { snapshots, restores, jobs, live, iocs } = operations;

  const endpoint = <Shape extends z.ZodRawShape>(operation: Operation, shape: Shape, act: (body: z.output<z.ZodObject<Shape>>, caller: Caller) => Promise<unknown>, encode = json.encode) => {
    const schema = z.strictObject({ ...shape, user: z.string().max(100).optional() });
    return async (body: Uint8Array): Answer => {
      const { user, ...input } = parseInput(schema, parsed(body), 'body') as { user?: string };
      const caller = busCaller(user);
      authorise(caller, operation);
      return encode(await act(input as z.output<z.ZodObject<Shape>>, caller));
    };
  };
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(value as string);

  return bus.serve({ name: 'drey', version, description: 'snapshot and restore of an EPICS facility' }, {
    'snapshots.take': endpoint('snapshots.take', takeSnapshot.shape, (request, caller) => snapshots.take(caller, request)),
    'snapshots.list': endpoint('snapshots.read', { title: z.string().max(255).optional(), tags: z.array(id).optional(), ...paging(1000, 100) },
      async ({ limit, offset, ...filter }) => (await snapshots.list(filter, { limit, offset })).results),
    'snapshots.show': endpoint('snapshots.read', { id, ...paging(100_000, 1_000), search: z.string().max(1000).optional() },
      async ({ id: snapshot, ...page }) => Buffer.concat([...snapshotJson(await snapshots.page(snapshot, page), page)]), (bytes) => bytes as Buffer),
    'snapshots.delete': endpoint('snapshots.delete', { id }, (body, caller) => snapshots.delete(caller, body.id)),
    'restore.plan': endpoint('restore.plan', { ...restoring, ...paging(100_000, 1_000), verdict: planVerdict.optional() }, ({ snapshotId, request, verdict, ...page }) => restores.plan(snapshotId, request, { ...page, ...(verdict === undefined ? {} : { verdicts: [verdict] }) })),
    'restore.run': endpoint('restore.run', restoring, ({ snapshotId, request }, caller) => restores.run(caller, snapshotId, request)),
    'jobs.list': endpoint('jobs.read', { status: jobStatus.optional(), limit: z.number().int().min(1).max(1000).default(100) }, async (filter) => jobs.list(filter)),
    'jobs.show': endpoint('jobs.read', { id }, (body) => jobs.show(body.id)),
    'jobs.cancel': endpoint('jobs.cancel', { id }, (body, caller) => jobs.cancel(caller, body.id)),
    'pvs.live': endpoint('pvs.live', { pvNames, mode: snapshotMode.default('monitored'), deadlineMs: z.number().int().min(50).max(60_000).default(2_000) },
      ({ pvNames: names, ...options }) => live.byName(names, options), text),
    'iocs.list': endpoint('iocs.read', {}, async () => (await iocs.list()).iocs),
    'iocs.command': endpoint('iocs.command', { ioc: id, ...iocCommand.shape }, ({ ioc, ...command }, caller) => iocs.command(caller, ioc, command)),
  });
}

/** D1: an empty body is {}, what is no JSON is refused with the reason. */
function parsed(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  try {
    return json.decode(body);
  } catch (error) {
    throw new DreyError('badInput', `the body is not JSON: ${(error as Error).message}`);
  }
}
