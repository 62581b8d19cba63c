import { describeLastingFaults } from '../../testing/conformance/channel-access/lasting-faults.ts';
import { libcaOnThisMachine } from '../../testing/harness/libca.ts';
import { createLibcaClient } from './libca/index.ts';
import { createWireClient } from './wire/index.ts';

const native = await libcaOnThisMachine();
describeLastingFaults([
  { name: 'the client in TypeScript', create: createWireClient },
  { name: 'libca', create: (options) => createLibcaClient({ ...options, ...native }) },
]);
