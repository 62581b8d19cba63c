/** /metrics and /health for roles that have no gateway. */
import { createServer, type Server } from 'node:http';
import type { Service } from '../kernel/lifecycle.ts';
import type { Registry } from '../kernel/metrics.ts';

export function serveMetrics(metrics: Registry, host: string, port: number): Service {
  let server: Server | undefined;
  return {
    name: 'metrics',
    start: () =>
      new Promise((resolve, reject) => {
        server = createServer((request, response) => {
          if (request.url === '/metrics') {
            metrics.metrics().then(
              (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
              (error: unknown) => response.writeHead(500).end(String(error)),
            );
          } else if (request.url === '/health') response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"healthy"}');
          else response.writeHead(404).end();
        });
        server.once('error', reject);
        server.listen(port, host, () => resolve());
      }),
    stop: () =>
      new Promise((resolve) => {
        server?.closeAllConnections();
        if (server?.listening) server.close(() => resolve());
        else resolve();
      }),
  };
}
