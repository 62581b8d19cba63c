import { describeChannelAccess } from '../../../testing/conformance/channel-access/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { createLibcaClient } from './index.ts';

const native = await libcaOnThisMachine();
describeChannelAccess('libca', (options) => createLibcaClient({ ...options, ...native }), { checksServers: false });
