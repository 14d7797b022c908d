/**
 * libbpf (libbpf.so.1), as far as softvasic needs it: opening a compiled object, giving its maps their sizes, and having the kernel
 * verify and load it. The calls themselves; what they are for is in bpf-object.ts. Other calls on BPF go to bpf(2) directly (bpf.ts).
 *
 * The library is loaded with the first call, so that everything else works where it isn't installed.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { errorText } from '../net/error-text';

/** What libbpf hands out: an address. */
export type Handle = bigint;

/** The library's functions, under their own names without `bpf_`. Numbers below zero are negated errno values. */
export interface Libbpf {
  openMem(bytes: Uint8Array, size: number, options: Uint8Array): Handle | null;
  load(object: Handle): number;
  close(object: Handle): void;
  findMap(object: Handle, name: string): Handle | null;
  setMaxEntries(map: Handle, entries: number): number;
  setInitialValue(map: Handle, bytes: Uint8Array, size: number): number;
  reuseFd(map: Handle, fd: number): number;
  mapFd(map: Handle): number;
  findProgram(object: Handle, name: string): Handle | null;
  /** The first one, or the next after `program`. */
  nextProgram(object: Handle, program: Handle | null): Handle | null;
  setAutoload(program: Handle, wanted: boolean): number;
  setLogBuf(program: Handle, buffer: Uint8Array, size: number): number;
  programFd(program: Handle): number;
  tcHookCreate(hook: Uint8Array): number;
  tcHookDestroy(hook: Uint8Array): number;
  tcAttach(hook: Uint8Array, options: Uint8Array): number;
  tcDetach(hook: Uint8Array, options: Uint8Array): number;
  /** Into `program`: the number of the program that an interface has at XDP, or 0. */
  xdpQueryId(ifindex: number, flags: number, program: Uint8Array): number;
}

const SIGNATURES: Readonly<Record<keyof Libbpf, string>> = {
  openMem: 'void *bpf_object__open_mem(void *bytes, size_t size, void *options)',
  load: 'int bpf_object__load(void *object)',
  close: 'void bpf_object__close(void *object)',
  findMap: 'void *bpf_object__find_map_by_name(void *object, const char *name)',
  setMaxEntries: 'int bpf_map__set_max_entries(void *map, uint32_t entries)',
  setInitialValue: 'int bpf_map__set_initial_value(void *map, void *bytes, size_t size)',
  reuseFd: 'int bpf_map__reuse_fd(void *map, int fd)',
  mapFd: 'int bpf_map__fd(void *map)',
  nextProgram: 'void *bpf_object__next_program(void *object, void *program)',
  findProgram: 'void *bpf_object__find_program_by_name(void *object, const char *name)',
  setAutoload: 'int bpf_program__set_autoload(void *program, bool wanted)',
  setLogBuf: 'int bpf_program__set_log_buf(void *program, void *buffer, size_t size)',
  programFd: 'int bpf_program__fd(void *program)',
  tcHookCreate: 'int bpf_tc_hook_create(void *hook)',
  tcHookDestroy: 'int bpf_tc_hook_destroy(void *hook)',
  tcAttach: 'int bpf_tc_attach(void *hook, void *options)',
  tcDetach: 'int bpf_tc_detach(void *hook, void *options)',
  xdpQueryId: 'int bpf_xdp_query_id(int ifindex, int flags, void *program)',
};

let loaded: Libbpf | undefined;

/** @throws Error when the library isn't installed */
export function libbpf(): Libbpf {
  return (loaded ??= load());
}

function load(): Libbpf {
  let library: LibraryHandle;
  try {
    library = koffi.load('libbpf.so.1');
  } catch (error) {
    throw new Error(
      `libbpf.so.1 cannot be loaded (${errorText(error)}): install the package libbpf1 (libbpf on others)`,
      {
        cause: error,
      },
    );
  }
  // It would print to stderr what comes back as an error as well.
  library.func('void *libbpf_set_print(void *print)')(null);
  const functions = Object.entries(SIGNATURES).map(([name, signature]) => [name, library.func(signature)]);
  return Object.fromEntries(functions) as unknown as Libbpf;
}
