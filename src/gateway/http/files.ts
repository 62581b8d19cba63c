/** Files in and out. Their bodies are taken whatever content-type they come with: programs that send files seldom know one. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import { snapshotSummary } from '../../contracts/snapshots.ts';
import { textOfFile } from '../../formats/file-text.ts';
import { catalogueFormatNames, snapshotFormatNames, writableCatalogueFormats } from '../../formats/registry.ts';
import { authorise } from '../access.ts';
import type { CatalogueFileOperations } from '../operations/catalogue-files.ts';
import type { SnapshotFileOperations } from '../operations/snapshot-files.ts';
import { bodyLimits, flag, idParam, sendWritten, type Door } from './door.ts';

const dryRun = flag.default(false).describe('check the file, change nothing');
const losses = z.array(z.string()).describe('what stands in the file and could not be kept');

const snapshotImport = z.object({
  format: z.enum(snapshotFormatNames).optional().describe('absent: known by how the file begins'),
  title: z.string().trim().min(1).max(255).optional().describe('absent: what the file says'),
  description: z.string().trim().max(4000).optional(),
  create: flag.default(false).describe('make catalogue entries for PVs that have none (needs the scope write); else such a file is refused with their list'),
  dryRun,
});
const importedSnapshot = z.object({
  snapshot: snapshotSummary.nullable().describe('null after a dry run'),
  format: z.enum(snapshotFormatNames),
  channels: z.number().int(),
  entriesCreated: z.number().int().describe('catalogue entries that were, or would be, made'),
  losses,
});

const catalogueImport = z.object({
  format: z.enum(catalogueFormatNames).default('csv'),
  macros: z.string().max(4000).optional().describe('for request files: P=DEMO:,M=m1'),
  onError: z.enum(['fail', 'skip']).default('fail').describe('fail: with any fault nothing is registered; skip: the sound rows are'),
  onExisting: z.enum(['fail', 'update']).default('fail').describe('rows whose entry there is, and which differ from it; fail: a fault that names the differences; update: the entry is edited'),
  dryRun,
});
const importedCatalogue = z.object({
  rows: z.number().int().describe('sound rows'),
  registered: z.number().int().describe('entries made; 0 in a dry run'),
  unchanged: z.number().int().describe('rows that say what the catalogue has already'),
  updated: z.number().int().describe('entries that were, or would be, edited'),
  skipped: z.number().int().describe('lines with a fault'),
  errors: z.array(z.string()).describe('"line N: what is wrong", the first 1000'),
  tagGroups: z.array(z.object({
    name: z.string(),
    isNew: z.boolean().describe('there is no such group yet: it was, or would be, made'),
    tags: z.number().int().describe('tags that the sound rows name'),
    newTags: z.number().int().describe('of them, those that were, or would be, made'),
    firstNewTags: z.array(z.string()).describe('the first 20 of them'),
  })).describe('columns that are no known field'),
});

function textOf(body: unknown): string {
  const read = textOfFile((body as Buffer | undefined) ?? new Uint8Array());
  if ('text' in read) return read.text;
  throw new DreyError('badInput', `the file cannot be read, nothing was stored: ${read.fault}`, { faults: [read.fault] });
}

/** Told in a header, for the body is the file: a JSON list in ASCII, as many as fit. */
export function lossesHeader(all: readonly string[]): string {
  const some = [...all];
  const written = (): string => JSON.stringify(some).replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  while (written().length > 6_000) some.pop();
  return written();
}

export interface FileOperations {
  readonly snapshotFiles: SnapshotFileOperations;
  readonly catalogueFiles: CatalogueFileOperations;
}

export function fileRoutes(server: Door, { snapshotFiles, catalogueFiles }: FileOperations): void {
  server.get('/v1/snapshots/:id/export', {
    config: { operation: 'snapshots.read' },
    schema: {
      tags: ['snapshots'],
      summary: 'A snapshot as a file; the header X-Drey-Losses lists what the format cannot hold, as JSON',
      params: idParam,
      querystring: z.object({ format: z.enum(snapshotFormatNames).default('ndjson') }),
      response: { 200: z.string().describe('the file') },
    },
  }, async (request, reply) => {
    const file = await snapshotFiles.export(request.params.id, request.query.format);
    reply.header('x-drey-losses', lossesHeader(file.losses)).header('content-disposition', `attachment; filename="${file.fileName}"`);
    return sendWritten(reply, file.contentType, file.text);
  });

  server.get('/v1/pvs/export', {
    config: { operation: 'pvs.read' },
    schema: {
      tags: ['pvs'],
      summary: 'The catalogue as a file that the import takes; CSV loses nothing, the header X-Drey-Losses lists what others do',
      querystring: z.object({ format: z.enum(writableCatalogueFormats).default('csv'), pvName: z.string().max(1000).optional().describe('part of an address, device or description; * and ? are wildcards') }),
      response: { 200: z.string().describe('the file') },
    },
  }, async (request, reply) => {
    const { format, pvName } = request.query;
    const file = await catalogueFiles.export(format, pvName);
    reply.header('x-drey-losses', lossesHeader(file.losses)).header('content-disposition', `attachment; filename="catalogue.${format === 'csv' ? 'csv' : 'req'}"`);
    return sendWritten(reply, format === 'csv' ? 'text/csv; charset=utf-8' : 'text/plain; charset=utf-8', typeof file.text === 'string' ? file.text : Readable.from(file.text));
  });

  void server.register(async (app: Door) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));

    app.post('/v1/snapshots/import', {
      config: { operation: 'snapshots.import' },
      bodyLimit: bodyLimits.bulk,
      schema: { tags: ['snapshots'], summary: 'A file of values as a stored snapshot of kind imported; the body is the file', querystring: snapshotImport, response: { 200: importedSnapshot } },
    }, (request) => {
      if (request.query.create) authorise(request.caller, 'pvs.write');
      return snapshotFiles.import(request.caller, { ...request.query, text: textOf(request.body) }) as Promise<z.output<typeof importedSnapshot>>;
    });
  });

  void server.register(async (app: Door) => {
    app.removeAllContentTypeParsers();
    // As it comes: such a file need not fit into memory.
    app.addContentTypeParser('*', (_, payload, done) => done(null, payload));

    app.post('/v1/pvs/import', {
      config: { operation: 'pvs.write' },
      schema: { tags: ['pvs'], summary: 'Register entries from a file, or edit those there are; the body is the file, up to 1 GB of CSV. Faults carry their line', querystring: catalogueImport, response: { 200: importedCatalogue } },
    }, (request) => catalogueFiles.import(request.caller, { ...request.query, body: bodyOf(request.body) }) as Promise<z.output<typeof importedCatalogue>>);
  });
}

/** Given up half-way, it stays open: whoever sends it is to hear why. */
const bodyOf = (body: unknown): AsyncIterable<Uint8Array> => ((body as Readable | undefined) ?? Readable.from([])).iterator({ destroyOnReturn: false });
