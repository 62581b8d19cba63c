// What every implementation of the Channel Access port promises, on real soft IOCs. Written against
// src/channel-access/port.ts alone: nothing here knows how an implementation does it.
import { afterAll, beforeAll, describe } from 'vitest';
import type { SoftIoc } from '../../harness/index.ts';
import { startSoftIoc } from '../../harness/index.ts';
import { Client, type Create } from './client.ts';
import { describeFaults } from './faults.ts';
import { describeHostile } from './hostile.ts';
import { manyCount, mixedDb, settableDb, startValuesIoc } from './iocs.ts';
import { describeLiving } from './living.ts';
import { describeMonitoring } from './monitoring.ts';
import { describeReading } from './reading.ts';
import { describeRecycling } from './recycling.ts';
import { describeThreads } from './threads.ts';
import { describeWriting } from './writing.ts';

export { Client, type Create } from './client.ts';

const mixedCount = 2_000;

/** What an implementation says of itself where not all can do the same. */
export interface Capabilities {
  /**
   * Looks at every message of a server before it believes it. The reference library does not: it trusts
   * the servers it is pointed at, takes some impossible messages for values, and some end the process.
   */
  readonly checksServers: boolean;
  /** Every monitor update is seen. One that reads again and again instead sees what is there then. */
  readonly seesEveryUpdate: boolean;
  /** A put that the IOC refuses comes back with its code, and not as one that was never completed. */
  readonly tellsRefusals: boolean;
}

const everything: Capabilities = { checksServers: true, seesEveryUpdate: true, tellsRefusals: true };

export function describeChannelAccess(name: string, create: Create, lacking: Partial<Capabilities> = {}): void {
  const { checksServers, seesEveryUpdate, tellsRefusals } = { ...everything, ...lacking };
  describe(`Channel Access by ${name}`, () => {
    let values: SoftIoc, many: SoftIoc;
    /** Shared by the tests that leave IOC and client as they were. */
    let client: Client, writer: Client;
    const the = (): Client => client;

    beforeAll(async () => {
      [values, many] = await Promise.all([startValuesIoc(), startSoftIoc({ records: mixedDb(mixedCount) + settableDb(manyCount) })]);
      client = await Client.start(create, { ports: [values.port] });
      writer = await Client.start(create, { ports: [many.port] });
    });
    afterAll(async () => {
      await Promise.all([client?.ca.stop(), writer?.ca.stop()]);
      await Promise.all([values?.stop(), many?.stop()]);
    });

    describeReading(the);
    describeRecycling(create, the);
    describeWriting(the, () => writer, tellsRefusals);
    describeMonitoring(the, seesEveryUpdate);
    describeLiving(create, the, () => ({ values: values.port, many: many.port }), mixedCount);
    describeFaults(create);
    describeThreads(create);
    describeHostile(create, () => values.port, checksServers);
  });
}
