/** For tests of the Channel Access client in TypeScript: a client that can be waited on, and servers that misbehave to order. */
export { watchedClient, type WatchedClient } from './watched-client.ts';
export { ScriptedIoc, type ScriptedCircuit } from './scripted-ioc.ts';
export { loopbackEnvironment } from './environment.ts';
