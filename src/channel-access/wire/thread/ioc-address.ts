/** Host and port of "host:port". */
export function splitAddress(ioc: string): { host: string; port: number } {
  const colon = ioc.lastIndexOf(':');
  return { host: ioc.slice(0, colon), port: Number(ioc.slice(colon + 1)) };
}
