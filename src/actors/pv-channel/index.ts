export { phases, type ChannelLife, type Phase } from './channel.ts';
export { countsOf, createChannelSet, type ChannelSetEvent, type ChannelSetLogic, type ChannelSetRef, type ChannelSetTable } from './channel-set.ts';
