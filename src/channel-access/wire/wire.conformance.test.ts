import { describeChannelAccess } from '../../../testing/conformance/channel-access/index.ts';
import { createWireClient } from './index.ts';

describeChannelAccess('the client in TypeScript', createWireClient);
