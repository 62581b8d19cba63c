/**
 * A thread for the end of a context whose own thread has died. With a silent IOC among its peers libca
 * takes half a minute for it, which nobody else has to wait for.
 */
import { workerData } from 'node:worker_threads';
import { type LibcaFiles, loadNative } from './ffi.ts';
import type { Remains } from './remains.ts';

export interface Estate { readonly files: LibcaFiles; readonly remains: Remains }

const { files, remains } = workerData as Estate;
const { ca, c } = loadNative(files);
if (ca.attach_context(remains.context) === 1) {
  ca.context_destroy();
  // Only now does nobody write to it any more.
  c.close(remains.fd);
  c.free(remains.memory);
}
