/**
 * libca as TypeScript sees it, and the few functions of the C library that go with it. Pointers are
 * numbers: user space ends below 2^53. No JavaScript function is ever given to libca as a callback
 * where its own threads would call it: that costs 12 us a call, and deadlocks.
 */
import koffi from 'koffi';

export type Pointer = number;

export interface Libca {
  context_create(preemptive: number): number;
  context_destroy(): void;
  current_context(): Pointer;
  attach_context(context: Pointer): number;
  add_exception_event(handler: Pointer, argument: Pointer): number;
  replace_printf_handler(handler: Pointer): number;
  create_channel(name: string, connection: Pointer, user: Pointer, priority: number, channelOut: Pointer): number;
  replace_access_rights_event(channel: Pointer, handler: Pointer): number;
  clear_channel(channel: Pointer): number;
  field_type(channel: Pointer): number;
  element_count(channel: Pointer): number;
  read_access(channel: Pointer): number;
  write_access(channel: Pointer): number;
  array_get_callback(type: number, count: number, channel: Pointer, handler: Pointer, user: Pointer): number;
  create_subscription(type: number, count: number, channel: Pointer, mask: number, handler: Pointer, user: Pointer, eventOut: Pointer): number;
  flush_io(): number;
}

const prototypes: Record<keyof Libca, string> = {
  context_create: 'int ca_context_create(int)',
  context_destroy: 'void ca_context_destroy()',
  current_context: 'uintptr_t ca_current_context()',
  attach_context: 'int ca_attach_context(uintptr_t)',
  add_exception_event: 'int ca_add_exception_event(uintptr_t, uintptr_t)',
  replace_printf_handler: 'int ca_replace_printf_handler(uintptr_t)',
  create_channel: 'int ca_create_channel(const char *, uintptr_t, uintptr_t, unsigned int, uintptr_t)',
  replace_access_rights_event: 'int ca_replace_access_rights_event(uintptr_t, uintptr_t)',
  clear_channel: 'int ca_clear_channel(uintptr_t)',
  field_type: 'short ca_field_type(uintptr_t)',
  element_count: 'unsigned long ca_element_count(uintptr_t)',
  read_access: 'unsigned int ca_read_access(uintptr_t)',
  write_access: 'unsigned int ca_write_access(uintptr_t)',
  array_get_callback: 'int ca_array_get_callback(long, unsigned long, uintptr_t, uintptr_t, uintptr_t)',
  create_subscription: 'int ca_create_subscription(long, unsigned long, uintptr_t, long, uintptr_t, uintptr_t, uintptr_t)',
  flush_io: 'int ca_flush_io()',
};

export interface LibC {
  calloc(count: number, size: number): Pointer;
  free(pointer: Pointer): void;
  copyOut(to: Buffer, from: Pointer, size: number): void;
  copyIn(to: Pointer, from: Buffer, size: number): void;
  setenv(name: string, value: string, overwrite: number): number;
  pipe2(ends: Pointer, flags: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  shutdown(fd: number, how: number): number;
}

const cPrototypes: Record<keyof LibC, string> = {
  calloc: 'uintptr_t calloc(size_t, size_t)',
  free: 'void free(uintptr_t)',
  copyOut: 'void *memcpy(void *, uintptr_t, size_t)',
  copyIn: 'void *memcpy(uintptr_t, const void *, size_t)',
  setenv: 'int setenv(const char *, const char *, int)',
  pipe2: 'int pipe2(uintptr_t, int)',
  close: 'int close(int)',
  dup: 'int dup(int)',
  shutdown: 'int shutdown(int, int)',
};

export interface LibcaFiles {
  /** Path of libca.so. */
  readonly libca: string;
  /** Path of libCom.so, when the loader would not find it by itself. */
  readonly libCom?: string | undefined;
}

export interface Native {
  readonly ca: Libca;
  readonly c: LibC;
  /** Calls that nobody wants to hear of end here: a function of the C library that ignores its arguments. */
  readonly nothing: Pointer;
  /** ca_puser. */
  readonly puser: Pointer;
  /** ca_array_get_callback, ca_array_put_callback and ca_flush_io, for the sink. */
  readonly arrayGet: Pointer;
  readonly arrayPut: Pointer;
  readonly flush: Pointer;
}

export function loadNative(files: LibcaFiles): Native {
  const own = koffi.load(null);
  const c = bind<LibC>((prototype) => own.func(prototype), cPrototypes);
  // As root libca would give its threads real-time priority: they preempt each other and us at every step.
  c.setenv('EPICS_ALLOW_POSIX_THREAD_PRIORITY_SCHEDULING', 'NO', 0);
  if (files.libCom !== undefined) pin(files.libCom);
  pin(files.libca);
  const library = koffi.load(files.libca);
  return {
    ca: bind<Libca>((prototype) => library.func(prototype), prototypes),
    c,
    nothing: addressOf(own, 'getppid'),
    puser: addressOf(library, 'ca_puser'),
    arrayGet: addressOf(library, 'ca_array_get_callback'),
    arrayPut: addressOf(library, 'ca_array_put_callback'),
    flush: addressOf(library, 'ca_flush_io'),
  };
}

/** The functions of the compiled sink. */
export interface Sink {
  readonly event: Pointer;
  /** For monitored numbers, which go to the columns. */
  readonly update: Pointer;
  readonly connection: Pointer;
  readonly access: Pointer;
  /** Fills the columns of a sweep with what is known before asking. */
  start(sweep: Pointer, tables: Pointer): void;
  /** Asks for the next rows of a sweep; returns how many requests went out. */
  ask(sweep: Pointer, tables: Pointer): number;
  /** What was answered into the columns and the heap of a sweep; 0 when the heap is too small for it. */
  take(sweep: Pointer, tables: Pointer, otherwise: number): number;
  /** Makes requests of the rows of a run from `next` on, `most` at most, and lists their slots; returns of how many. */
  fill(run: Pointer, tables: Pointer, next: number, list: Pointer, most: number): number;
  /** Notes in the job's columns what of a run was sent and has completed; returns for how many rows there is an outcome now. */
  look(run: Pointer, tables: Pointer): number;
  /** Queues the requests of a list of slots and sends what their window allows; returns how many libca refused. */
  put(puts: Pointer, length: number, list: Pointer, requests: Pointer): number;
  /** Whether a request could be taken back before it was sent. */
  unqueue(request: Pointer): number;
  letGo(request: Pointer, state: number): void;
}

/** @param check Gets the sizes of its structures, as many as `sizes`. */
export function loadSink(path: string, { puser, arrayGet, arrayPut, flush }: Native, sizes: number, check: (sizes: Uint32Array) => void): Sink {
  pin(path);
  const library = koffi.load(path);
  check(new Uint32Array(koffi.view(addressOf(library, 'drey_sizes'), 4 * sizes)));
  (library.func('void drey_use(uintptr_t, uintptr_t, uintptr_t, uintptr_t)') as (...functions: Pointer[]) => void)(puser, arrayGet, arrayPut, flush);
  return {
    event: addressOf(library, 'drey_event'),
    update: addressOf(library, 'drey_update'),
    connection: addressOf(library, 'drey_connection'),
    access: addressOf(library, 'drey_access'),
    start: library.func('void drey_start(uintptr_t, uintptr_t)') as Sink['start'],
    ask: library.func('uint32_t drey_ask(uintptr_t, uintptr_t)') as Sink['ask'],
    take: library.func('int drey_take(uintptr_t, uintptr_t, uint8_t)') as Sink['take'],
    fill: library.func('uint32_t drey_fill(uintptr_t, uintptr_t, uint32_t, uintptr_t, uint32_t)') as Sink['fill'],
    look: library.func('uint32_t drey_look(uintptr_t, uintptr_t)') as Sink['look'],
    put: library.func('uint32_t drey_put(uintptr_t, uint32_t, uintptr_t, uintptr_t)') as Sink['put'],
    unqueue: library.func('int drey_unqueue(uintptr_t)') as Sink['unqueue'],
    letGo: library.func('void drey_let_go(uintptr_t, int)') as Sink['letGo'],
  };
}

/**
 * Loads a library for good. A thread's libraries are unloaded when it ends, and libca is still needed
 * then: for what its own threads do, and for what it has this thread clean up at its very end.
 */
function pin(path: string): void {
  const open = koffi.load(null).func('void *dlopen(const char *, int)') as (path: string, flags: number) => bigint | null;
  if (open(path, now | global | neverUnload) === null) throw new Error(`${path} cannot be loaded as a library of this machine`);
}

/** Flags of dlopen. */
const now = 0x2;
const global = 0x100;
const neverUnload = 0x1000;

function bind<Surface>(func: (prototype: string) => unknown, all: Record<keyof Surface, string>): Surface {
  const entries = Object.entries(all as Record<string, string>).map(([name, prototype]) => [name, func(prototype)]);
  return Object.fromEntries(entries) as Surface;
}

function addressOf(library: ReturnType<typeof koffi.load>, name: string): Pointer {
  return Number(library.symbol(name));
}

/** Where a view lies. Its buffer is looked at because V8 keeps the elements of a small view where they can move until somebody does. */
export function addressOfView(view: NodeJS.TypedArray): Pointer {
  void view.buffer;
  return Number(koffi.address(view));
}
