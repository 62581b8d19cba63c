// The servers that Drey brings along and runs as its own children: nats-server, Postgres and, for
// demo, tests and bench, soft IOCs.
export { NotFound, type SearchOptions, type SearchReport, type Tried } from './found.ts';
export { FolderInUse, lockFolder, type FolderLock } from './folder-lock.ts';
export { freePort, isPortFree } from './free-port.ts';
export { findLibca, inspectLibca, type FoundLibca, type LibcaSearch } from './libca-search.ts';
export { bringSink, inspectSink, lostWithoutSink, type Sink } from './libca-sink.ts';
export { makeFolder } from './make-folder.ts';
export { findNatsServer, inspectNatsServer, isOlder } from './nats-server-search.ts';
export { NATS_SERVER_TO_BRING, OLDEST_NATS_SERVER, type NatsServerSearch, type NatsServerSource } from './nats-server-source.ts';
export { NATS_MAX_PAYLOAD, startNatsServer, type NatsServer, type NatsServerOptions } from './nats-server.ts';
export { birthMark, isSameProcess } from './process-life.ts';
export { findPostgres, inspectPostgres, POSTGRES_MAJOR, type PostgresSearch } from './postgres-search.ts';
export { embeddedPostgresUrl } from './postgres-url.ts';
export { startPostgres, type PostgresOptions, type PostgresServer } from './postgres.ts';
export { EPICSCORELIBS_VERSION, findSoftIoc, inspectSoftIoc, type SoftIocSearch } from './soft-ioc-search.ts';
export { startSoftIoc, type SoftIoc, type SoftIocOptions } from './soft-ioc.ts';
export { startServerProcess, type Exit, type ServerProcess } from './server-process.ts';
