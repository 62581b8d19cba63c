// Real servers for tests. Everything is disposable (`await using`), on loopback and free ports, and
// a test file that does not give back what it took fails.
export { freePort } from '../../src/embedded/index.ts';
export type { NatsServer, PostgresServer, SoftIoc } from '../../src/embedded/index.ts';
export { startDrey, type Drey, type DreyOptions } from './drey.ts';
export { startCaClient, type CaClient } from './ca-client.ts';
export { eventually, eventuallyEqual, type Waiting } from './eventually.ts';
export { startNats, type NatsForTest } from './nats.ts';
export { faultLasting, hang, isRunning, startOwner, type Owner } from './processes.ts';
export { createDatabase, startPostgres, type DatabaseOptions, type PostgresForTest, type TestDatabase } from './postgres.ts';
export { manyRecords, recordsDb, startSoftIoc, type Fields, type RecordText, type SoftIocForTest } from './soft-ioc.ts';
export { temporaryFolder } from './run-folder.ts';
