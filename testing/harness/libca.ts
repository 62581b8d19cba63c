// libca and its sink, as a test or a bench gives them to the client.
import { bringSink, findLibca } from '../../src/embedded/index.ts';
import { search } from './run-folder.ts';

export async function libcaOnThisMachine(): Promise<{ library: { libca: string; libCom: string | undefined }; sink: string }> {
  const { found, libCom } = await findLibca({ ...search, ...(process.env.DREY_LIBCA ? { override: process.env.DREY_LIBCA } : {}) });
  const sink = await bringSink(search);
  if ('why' in sink) throw new Error(`the sink of the libca client cannot be built: ${sink.why}`);
  return { library: { libca: found, libCom }, sink: sink.path };
}
