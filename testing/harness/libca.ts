// libca and its sink, as a test or a bench gives them to the client.
import { bringSink, findLibca } from '../../src/embedded/index.ts';
import { search } from './run-folder.ts';

interface Library { libca: string; libCom: string | undefined }

export async function libcaOnThisMachine(): Promise<{ library: Library; sink: string }> {
  const library = await libcaLibrary();
  const sink = await bringSink(search);
  if ('why' in sink) throw new Error(`the sink of the libca client cannot be built: ${sink.why}`);
  return { library, sink: sink.path };
}

/** All that the variant without native code needs. */
export async function libcaLibrary(): Promise<Library> {
  const { found, libCom } = await findLibca({ ...search, ...(process.env.DREY_LIBCA ? { override: process.env.DREY_LIBCA } : {}) });
  return { libca: found, libCom };
}
