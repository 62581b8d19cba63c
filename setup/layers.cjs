// Who may import whom under src/. Imports point downwards only: contracts, kernel, then rules and
// adapters side by side, then actors, gateway and cli, then the composition. An entry allows a folder
// its own files and what it lists, nothing else; a folder of src/ without an entry fails the check.
// This table is what docs/architecture.md draws and what .dependency-cruiser.cjs enforces.

const contracts = 'contracts/';
const kernel = 'kernel/';
/** What is built on the bus's port alone, for everybody who has a bus. */
const overTheBus = ['bus/jobs.ts', 'bus/hosts.ts', 'bus/live.ts', 'bus/title-values.ts', 'bus/scatter.ts', 'bus/gathering.ts'];
/** The faces of the adapters. The columns are the larger half of Channel Access's face. */
const ports = [...overTheBus, 'channel-access/port.ts', 'channel-access/columns.ts', 'bus/port.ts', 'persistence/port.ts'];
const rules = ['snapshots/', 'formats/', 'automation/'];
const actorMayImport = [contracts, kernel, ...ports, ...rules];

module.exports.layers = {
  'contracts/': [],
  'kernel/': [contracts],
  'snapshots/': [contracts, kernel],
  'formats/': [contracts, kernel, 'snapshots/arrays.ts'],
  'automation/': [contracts, kernel],
  'channel-access/': [contracts, kernel],
  'bus/': [contracts, kernel],
  // SQL narrows a comparison down, the rule itself decides: there is one rule of what is the same.
  'persistence/': [contracts, kernel, 'snapshots/'],
  'embedded/': [contracts, kernel],
  // An actor sees no other actor, but a supervisor sees the children it starts.
  'actors/pv-channel/': actorMayImport,
  'actors/ioc-supervisor/': [...actorMayImport, 'actors/pv-channel/'],
  'actors/facility/': [...actorMayImport, 'actors/ioc-supervisor/', 'actors/pv-channel/'],
  'actors/ioc-host/': [...actorMayImport, 'actors/facility/', 'actors/ioc-supervisor/', 'actors/pv-channel/'],
  'actors/snapshot-coordinator/': actorMayImport,
  'actors/restore-coordinator/': actorMayImport,
  'actors/automation/': actorMayImport,
  'actors/coordinator/': [...actorMayImport, 'actors/automation/', 'actors/snapshot-coordinator/', 'actors/restore-coordinator/'],
  'gateway/': [contracts, kernel, ...ports, ...rules],
  'cli/': [contracts, kernel, ...ports, ...rules, 'embedded/', 'config.ts'],
  'config.ts': [contracts, kernel, 'channel-access/port.ts', 'channel-access/environment.ts'],
  'roles/': [contracts, kernel, ...rules, 'channel-access/', 'bus/', 'persistence/', 'embedded/', 'actors/', 'gateway/', 'config.ts'],
  'main.ts': [contracts, kernel, 'cli/', 'roles/', 'config.ts'],
};

/** Folders without the outside world: no Node modules in them, and no clock. */
module.exports.pure = ['contracts/', 'snapshots/', 'formats/', 'automation/'];

/** Only the composition reaches for the demo, and only when it runs one. */
module.exports.mayImportDemo = ['roles/'];
