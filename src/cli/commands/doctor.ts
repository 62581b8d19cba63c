/** What is found, what is missing, how to get it. Looks only: nothing is fetched or started. */
import { Command } from 'commander';
import { describeConfig, type Config, type ReadConfig } from '../../config.ts';
import { inspectLibca, inspectNatsServer, inspectPostgres, inspectSink, inspectSoftIoc, lostWithoutSink, type Sink } from '../../embedded/index.ts';
import { exitCodes } from '../fault.ts';
import { print, printJson } from '../output.ts';

/** What a server that the configuration names has answered. */
export interface ServerAnswer {
  readonly name: 'NATS' | 'Postgres';
  readonly variable: 'NATS_URL' | 'DATABASE_URL';
  readonly serves: boolean;
  readonly says: string;
}

const advice: Record<string, string> = {
  'nats-server': '`npm start` brings it; or install nats-server 2.10 or newer, or name one with DREY_NATS_SERVER or NATS_URL',
  postgres: 'run `npm ci`, which brings it; or name an external one with DATABASE_URL',
  'soft IOC': '`npm start` brings it; or install EPICS base, or name one with DREY_SOFT_IOC',
};

export function doctorCommand(read: () => ReadConfig, examineServers: (config: Config) => Promise<readonly ServerAnswer[]>): Command {
  return new Command('doctor')
    .description('what Drey needs: what is found, what is missing, how to get it')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const { config, environment, sources } = read();
      const at = { folder: config.bring, environment };
      const [servers, gateway, libca, ...reports] = await Promise.all([
        examineServers(config),
        gatewayAnswer(config.url),
        inspectLibca({ ...at, ...(config.libca ? { override: config.libca } : {}) }),
        inspectNatsServer({ ...at, ...(config.natsServer ? { override: config.natsServer } : {}), ...(config.natsReleaseUrl ? { releaseUrl: config.natsReleaseUrl } : {}) }),
        inspectPostgres(at),
        inspectSoftIoc({ ...at, ...(config.softIoc ? { override: config.softIoc } : {}) }),
      ]);
      const sink: Sink = config.libcaSink === 'off' ? { why: 'off by DREY_LIBCA_SINK' } : inspectSink(at);
      const sinkLost = 'why' in sink && sink.canBuild !== true ? lostWithoutSink(config.libcaSweepMs) : [];
      const needsLibca = config.ca === 'libca';
      const missing = reports.filter((report) => report.found === undefined && !isReplaced(report.name, servers));
      if (missing.length > 0 || servers.some(({ serves }) => !serves) || (needsLibca && libca.found === undefined)) process.exitCode = exitCodes.incomplete;
      if (options.json) {
        return printJson({ node: process.version, reports, libca: { ...libca, needed: needsLibca, sink, withoutSink: sinkLost }, servers, gateway, config: describeConfig({ config, environment, sources }) });
      }
      print(`node        ${process.version} at ${process.execPath}`);
      for (const report of reports) {
        print(report.found === undefined ? `${report.name.padEnd(12)}missing${isReplaced(report.name, servers) ? ', and not needed' : ''}` : `${report.name.padEnd(12)}${report.version} at ${report.found} (${report.source})`);
        if (report.found === undefined) {
          for (const { source, outcome } of report.tried) print(`              - ${source}: ${outcome}`);
          const how = Object.entries(advice).find(([name]) => report.name.toLowerCase().includes(name.toLowerCase()))?.[1];
          if (how) print(`              ${how}`);
        }
      }
      for (const { name, variable, serves, says } of servers) print(`${variable.padEnd(12)} ${serves ? '' : `${name} cannot be used: `}${says}`);
      print(`libca       ${libca.found === undefined ? `none${needsLibca ? '' : ': DREY_CA=wire needs none'}` : `${libca.version} at ${libca.found} (${libca.source})`}; sink ${'path' in sink ? `at ${sink.path}` : sink.why}`);
      for (const lost of sinkLost) print(`              without a sink: ${lost}`);
      for (const { source, outcome } of libca.tried) print(`              - ${source}: ${outcome}`);
      print(`CA client   ${config.ca} by the settings of this shell (of a running Drey: \`hosts\` of /v1/health/summary); searches ${config.caEnvironment.addressList.map(({ host, port }) => `${host}:${port}`).join(' ') || '(no EPICS_CA_ADDR_LIST)'}${config.caEnvironment.autoAddressList ? ' and the broadcast addresses' : ''}`);
      print(`gateway     ${gateway}`);
    });
}

/** A server that is named takes the place of the one that would be brought along. */
function isReplaced(program: string, servers: readonly ServerAnswer[]): boolean {
  return servers.some(({ name }) => program.toLowerCase().includes(name.toLowerCase()));
}

async function gatewayAnswer(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
    return `${url} answers ${response.status}`;
  } catch {
    return `${url} does not answer: nothing runs there`;
  }
}
