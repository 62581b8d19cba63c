/** What a person sees when everything runs. */
export interface Welcome {
  readonly url: string;
  readonly token: string;
  readonly demo: boolean;
  /** Catalogue entries loaded at this start. */
  readonly loaded: number;
  readonly data: string;
  readonly logFile: string | null;
  /** What the other terminal must be told, as the default would not do: "DREY_URL=… ". */
  readonly prefix: string;
}

export function welcome({ url, token, demo, loaded, data, logFile, prefix }: Welcome): string {
  const tries = demo
    ? [
        ['take a snapshot', 'npx drey snapshot take "first light"'],
        ['list what there is', 'npx drey snapshot list'],
        ['see the IOCs', 'npx drey ioc list'],
      ]
    : [
        ['register PVs', 'npx drey pv import pvs.csv'],
        ['take a snapshot', 'npx drey snapshot take "first light"'],
        ['see the IOCs', 'npx drey ioc list'],
      ];
  return [
    '',
    `Drey runs at ${url}   (API: ${url}/docs)`,
    `API key: ${token}   (kept in ${data}/api-key)`,
    ...(loaded > 0 ? [`Demo facility: ${loaded} catalogue entries loaded.`] : []),
    ...(logFile === null ? [] : [`Log: ${logFile}`]),
    '',
    'Try, in another terminal:',
    ...tries.map(([what, command]) => `  ${prefix}${command!.padEnd(42)} # ${what}`),
    '',
    'Ctrl-C stops everything; nothing is lost.',
    '',
  ].join('\n');
}
