import { startNatsServer, type NatsServer, type NatsServerOptions } from '../../src/embedded/index.ts';
import { natsServerProgram, temporaryFolder } from './run-folder.ts';

export type NatsForTest = Partial<Pick<NatsServerOptions, 'port' | 'dataFolder' | 'withPassword' | 'onUnexpectedExit'>>;

/** A nats-server with JetStream on a free port. Given a data folder it keeps its streams from one start to the next. */
export async function startNats(options: NatsForTest = {}): Promise<NatsServer> {
  const { command } = await natsServerProgram();
  const folder = options.dataFolder === undefined ? temporaryFolder('nats') : undefined;
  try {
    const server = await startNatsServer({ command, environment: process.env, ...options, dataFolder: options.dataFolder ?? folder?.path as string });
    const stop = async (): Promise<void> => {
      await server.stop();
      folder?.[Symbol.dispose]();
    };
    return { ...server, stop, [Symbol.asyncDispose]: stop };
  } catch (fault) {
    folder?.[Symbol.dispose]();
    throw fault;
  }
}
