// The Python package's soft IOC has no option for an access security file, EPICS base's has -a.
const module = ['-m', 'epicscorelibs.ioc'];
const withAccessFile = 'import sys, epicscorelibs.ioc as ioc; ioc.dbCore.asSetFilename(sys.argv.pop(1).encode()); ioc.main()';

/** The same IOC, told its access security file and the interface it serves on. */
export function demoIocCommand(runSoftIoc: readonly string[], accessFile: string, bind: string): string[] {
  const packaged = runSoftIoc.slice(-module.length).join(' ') === module.join(' ');
  const program = packaged ? [...runSoftIoc.slice(0, -module.length), '-c', withAccessFile, accessFile] : [...runSoftIoc, '-a', accessFile];
  return bind === '127.0.0.1' ? program : ['/usr/bin/env', `EPICS_CAS_INTF_ADDR_LIST=${bind}`, ...program];
}
