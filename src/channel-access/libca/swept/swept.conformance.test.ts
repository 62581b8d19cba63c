import { describeChannelAccess } from '../../../../testing/conformance/channel-access/index.ts';
import { libcaLibrary } from '../../../../testing/harness/libca.ts';
import { createSweptLibcaClient } from './index.ts';

const library = await libcaLibrary();
describeChannelAccess('libca without native code', (options) => createSweptLibcaClient({ ...options, library, sweepMs: 40 }), { checksServers: false, seesEveryUpdate: false, tellsRefusals: false });
