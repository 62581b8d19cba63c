/**
 * The calls of libca that this variant needs beside the common ones. Its context is one without
 * callbacks of libca's threads: nothing happens in it but inside `takeArrived`, on this thread.
 */
import koffi from 'koffi';
import { loadNative, type LibcaFiles, type Native, type Pointer } from '../ffi.ts';

export interface SyncGroups {
  state(channel: Pointer): number;
  create(groupOut: Pointer): number;
  reset(group: number): number;
  delete(group: number): number;
  test(group: number): number;
  get(group: number, type: number, count: number, channel: Pointer, to: Pointer): number;
  put(group: number, type: number, count: number, channel: Pointer, value: Pointer | Buffer): number;
  pendEvent(seconds: number): number;
}

export interface Bytes {
  fill(to: Pointer, byte: number, size: number): Pointer;
  compare(a: Pointer, b: Pointer, size: number): number;
}

export interface SweptNative extends Native {
  readonly groups: SyncGroups;
  readonly bytes: Bytes;
  /** Calls `wakeUp` with the datagram socket by which libca says that something has come. Keep what it returns. */
  onDescriptor(wakeUp: (fd: number) => void): unknown;
}

/** 0 would mean to wait for ever. */
const atOnce = 1e-9;

/** Lets libca process what has come, and waits for nothing. */
export function takeArrived(native: SweptNative): void {
  native.groups.pendEvent(atOnce);
}

export function loadSweptNative(files: LibcaFiles): SweptNative {
  const native = loadNative(files);
  const library = koffi.load(files.libca);
  const own = koffi.load(null);
  const groups: SyncGroups = {
    state: library.func('int ca_state(uintptr_t)'),
    create: library.func('int ca_sg_create(uintptr_t)'),
    reset: library.func('int ca_sg_reset(unsigned int)'),
    delete: library.func('int ca_sg_delete(unsigned int)'),
    test: library.func('int ca_sg_test(unsigned int)'),
    get: library.func('int ca_sg_array_get(unsigned int, long, unsigned long, uintptr_t, uintptr_t)'),
    put: library.func('int ca_sg_array_put(unsigned int, long, unsigned long, uintptr_t, const void *)'),
    pendEvent: library.func('int ca_pend_event(double)'),
  };
  const bytes: Bytes = {
    fill: own.func('uintptr_t memset(uintptr_t, int, size_t)'),
    compare: own.func('int memcmp(uintptr_t, uintptr_t, size_t)'),
  };
  const register = library.func('int ca_add_fd_registration(void *, uintptr_t)') as (handler: unknown, argument: Pointer) => number;
  return {
    ...native, groups, bytes,
    onDescriptor(wakeUp) {
      // The only JavaScript function that libca is given: it calls it on this thread, inside a call that
      // this thread makes.
      const handler = koffi.register((_argument: Pointer, fd: number, opened: number) => {
        if (opened !== 0) wakeUp(fd);
      }, koffi.pointer(koffi.proto('void DreyDescriptor(uintptr_t argument, int fd, int opened)')));
      register(handler, 0);
      return handler;
    },
  };
}
