/** What is found, what is missing, how to get it. Looks only: nothing is fetched or started. */
import { Command } from 'commander';
import { describeConfig, type ReadConfig } from '../../config.ts';
import { inspectLibca, inspectNatsServer, inspectPostgres, inspectSink, inspectSoftIoc, lostWithoutSink, type SearchReport, type Sink } from '../../embedded/index.ts';
import { exitCodes } from '../fault.ts';
import { print, printJson } from '../output.ts';

const advice: Record<string, string> = {
  'nats-server': '`npm start` brings it; or install nats-server 2.10 or newer, or name one with DREY_NATS_SERVER or NATS_URL',
  postgres: 'run `npm ci`, which brings it; or name an external one with DATABASE_URL',
  'soft IOC': '`npm start` brings it; or install EPICS base, or name one with DREY_SOFT_IOC',
};

export function doctorCommand(read: () => ReadConfig): Command {
  return new Command('doctor')
    .description('what Drey needs: what is found, what is missing, how to get it')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const { config, environment, sources } = read();
      const at = { folder: config.bring, environment };
      const reports: SearchReport[] = await Promise.all([
        inspectNatsServer({ ...at, ...(config.natsServer ? { override: config.natsServer } : {}), ...(config.natsReleaseUrl ? { releaseUrl: config.natsReleaseUrl } : {}) }),
        inspectPostgres(at),
        inspectSoftIoc({ ...at, ...(config.softIoc ? { override: config.softIoc } : {}) }),
      ]);
      const gateway = await gatewayAnswer(config.url);
      const missing = reports.filter((report) => report.found === undefined);
      if (missing.length > 0) process.exitCode = exitCodes.incomplete;
      if (options.json) return printJson({ node: process.version, reports, gateway, config: describeConfig({ config, environment, sources }) });
      print(`node        ${process.version} at ${process.execPath}`);
      for (const report of reports) {
        print(report.found === undefined ? `${report.name.padEnd(12)}missing` : `${report.name.padEnd(12)}${report.version} at ${report.found} (${report.source})`);
        if (report.found === undefined) {
          for (const { source, outcome } of report.tried) print(`              - ${source}: ${outcome}`);
          const how = Object.entries(advice).find(([name]) => report.name.toLowerCase().includes(name.toLowerCase()))?.[1];
          if (how) print(`              ${how}`);
        }
      }
      const libca = await inspectLibca({ ...at, ...(config.libca ? { override: config.libca } : {}) });
      const sink: Sink = config.libcaSink === 'off' ? { why: 'off by DREY_LIBCA_SINK' } : inspectSink(at);
      print(`libca       ${libca.found === undefined ? 'none: DREY_CA=wire needs none' : `${libca.version} at ${libca.found} (${libca.source})`}; sink ${'path' in sink ? `at ${sink.path}` : sink.why}`);
      if ('why' in sink && sink.canBuild !== true) for (const lost of lostWithoutSink(config.libcaSweepMs)) print(`              without a sink: ${lost}`);
      for (const { source, outcome } of libca.tried) print(`              - ${source}: ${outcome}`);
      if (libca.found === undefined && config.ca === 'libca') process.exitCode = exitCodes.incomplete;
      print(`CA client   ${config.ca}; searches ${config.caEnvironment.addressList.map(({ host, port }) => `${host}:${port}`).join(' ') || '(no EPICS_CA_ADDR_LIST)'}${config.caEnvironment.autoAddressList ? ' and the broadcast addresses' : ''}`);
      print(`gateway     ${gateway}`);
    });
}

async function gatewayAnswer(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
    return `${url} answers ${response.status}`;
  } catch {
    return `${url} does not answer: nothing runs there`;
  }
}
