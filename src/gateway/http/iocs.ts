import { z } from 'zod';
import { iocCommand, iocView } from '../../contracts/iocs.ts';
import { commandBody, iocWithChannels, type IocOperations } from '../operations/iocs.ts';
import type { Door } from './door.ts';

const tags = ['iocs'];
const iocParam = z.object({ name: z.string().min(1).max(255).describe('host:port of the CA server') });

const commands = {
  open: 'Open the breaker: nothing is sent to this IOC until it is closed again',
  close: 'Close a breaker, whether forced open or open by itself',
  observe: 'Keep counting, let everything through',
} as const satisfies Record<z.output<typeof iocCommand>['command'], string>;

export function iocRoutes(app: Door, iocs: IocOperations): void {
  app.get('/v1/iocs', {
    config: { operation: 'iocs.read' },
    schema: { tags, summary: 'IOCs with the state of their breakers; the header X-Drey-Silent-Hosts names ioc-hosts that did not answer', response: { 200: z.array(iocView) } },
  }, async (_request, reply) => {
    const { iocs: list, silentHosts } = await iocs.list();
    if (silentHosts.length > 0) reply.header('x-drey-silent-hosts', silentHosts.join(', '));
    return list;
  });

  app.get('/v1/iocs/:name', {
    config: { operation: 'iocs.read' },
    schema: { tags, summary: 'One IOC with its channels', params: iocParam, response: { 200: iocWithChannels } },
  }, (request) => iocs.show(request.params.name));

  for (const command of iocCommand.shape.command.options) {
    app.post(`/v1/iocs/:name/${command}`, {
      config: { operation: 'iocs.command' },
      schema: { tags, summary: commands[command], params: iocParam, body: commandBody, response: { 200: iocView } },
    }, (request) => iocs.command(request.caller, request.params.name, { command, reason: request.body.reason }));
  }
}
