/** What Drey can be asked for, whatever the door. */
import type { Hosts } from '../../bus/hosts.ts';
import type { Jobs } from '../../bus/jobs.ts';
import type { Bus } from '../../bus/port.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Persistence } from '../../persistence/port.ts';
import type { Audit } from '../audit.ts';
import { createApiKeyOperations } from './api-keys.ts';
import { createAutomationOperations } from './automation.ts';
import { createCatalogueOperations } from './catalogue.ts';
import { createCatalogueFileOperations } from './catalogue-files.ts';
import { createChannelNames } from './channel-names.ts';
import { createCircuitOperations } from './circuits.ts';
import { createComparisonOperations } from './comparisons.ts';
import { createConnectionOperations } from './connections.ts';
import { createHealthOperations } from './health.ts';
import { createHistoryOperations } from './history.ts';
import { createIocOperations } from './iocs.ts';
import { createJobOperations } from './jobs.ts';
import { createLiveValues } from './live-values.ts';
import { createMonitorOperations } from './monitor.ts';
import { createRestoreOperations } from './restores.ts';
import { createSnapshotFileOperations } from './snapshot-files.ts';
import { createSnapshotOperations } from './snapshots.ts';
import { createTagOperations } from './tags.ts';

export interface OperationDeps {
  readonly persistence: Persistence;
  readonly bus: Bus;
  readonly audit: Audit;
  readonly hosts: Hosts;
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** EPICS_CA_* for the EPICS test to tell. */
  readonly environment?: Readonly<Record<string, string>>;
}

export function createOperations({ persistence, bus, audit, hosts, jobs: watched, clock, environment = {} }: OperationDeps) {
  const { catalogue, snapshots, tags, apiKeys, rules } = persistence;
  const jobs = createJobOperations({ bus, jobs: watched, audit });
  const names = createChannelNames(catalogue);
  const entries = createCatalogueOperations({ catalogue, tags, bus, audit });
  const live = createLiveValues({ bus, hosts, names, clock });
  const iocs = createIocOperations({ bus, hosts, audit });
  const connections = createConnectionOperations({ live, names, clock });
  const { lastCheck } = connections;
  return {
    apiKeys: createApiKeyOperations({ keys: apiKeys, audit }),
    catalogue: entries,
    catalogueFiles: createCatalogueFileOperations({ catalogue, entries, tags }),
    snapshotFiles: createSnapshotFileOperations({ snapshots, catalogue, entries, tags, names, bus, audit }),
    tags: createTagOperations({ tags, audit }),
    automation: createAutomationOperations({ rules, catalogue, tags, bus, hosts, jobs, names, audit, clock }),
    live,
    snapshots: createSnapshotOperations({ snapshots, catalogue, tags, bus, audit, jobs }),
    comparisons: createComparisonOperations({ snapshots, tags, live, clock }),
    history: createHistoryOperations({ snapshots }),
    restores: createRestoreOperations({ persistence, live, jobs, audit, clock }),
    jobs,
    iocs,
    circuits: createCircuitOperations(iocs),
    connections,
    monitor: createMonitorOperations({ bus, hosts, live, names, clock, lastCheck, environment }),
    health: createHealthOperations({ persistence, bus, hosts, iocs, clock, lastCheck }),
  };
}
export type Operations = ReturnType<typeof createOperations>;
