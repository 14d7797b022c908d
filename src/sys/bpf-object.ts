/**
 * A compiled BPF object in the kernel: opened from its bytes, its maps given sizes, verified and loaded. What is loaded stays until
 * `close`, or until nothing refers to it any more: links and filters that programs hang on do.
 *
 * Owner: whoever loaded it.
 */
import { addressOf, errnoName } from './libc';
import { libbpf, type Handle } from './libbpf';

/** The end of the verifier's log says what it disliked. */
const LOG_BYTES = 1 << 20;
const LOG_LINES = 12;
const EPERM = 1;
const EACCES = 13;

/** Name → what it is to be before it is loaded. */
export interface MapSettings {
  readonly entries?: number;
  /** All bytes of a `.rodata` section. */
  readonly contents?: Uint8Array;
  /** Another object's map to share. */
  readonly shared?: number;
}

/** Cloneable. */
export interface LoadRequest {
  /** What the object and its maps are shown as (bpftool), at most 15 bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Those that are wanted; it has no others. */
  readonly programs: readonly string[];
  readonly maps: Readonly<Record<string, MapSettings>>;
}

export class BpfObject {
  private constructor(
    private readonly handle: Handle,
    private readonly name: string,
  ) {}

  /** @throws Error with cause and remedy: libbpf is missing, no CAP_BPF, the verifier's last words */
  static load({ name, bytes, programs, maps }: LoadRequest): BpfObject {
    const lib = libbpf();
    const handle = lib.openMem(bytes, bytes.length, openOptions(name));
    if (handle === null) throw new Error(`the BPF object ${name} cannot be read: it is damaged, build it again`);
    const object = new BpfObject(handle, name);
    try {
      for (const [map, settings] of Object.entries(maps)) object.prepare(map, settings);
      object.loadOnly(programs);
      const logs = programs.map((program) => object.logOf(program));
      const result = lib.load(handle);
      if (result < 0) throw loadError(name, -result, logs);
      return object;
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** An object that another thread of this process handed over. */
  static takeOver(name: string, handle: Handle): BpfObject {
    return new BpfObject(handle, name);
  }

  /** For another thread of this process, which takes it over: this one isn't used any more. */
  handOver(): Handle {
    return this.handle;
  }

  mapFd(map: string): number {
    return libbpf().mapFd(this.map(map));
  }

  programFd(program: string): number {
    return libbpf().programFd(this.program(program));
  }

  /** Descriptors that this object handed out end with it; what is attached stays. */
  close(): void {
    libbpf().close(this.handle);
  }

  private prepare(name: string, { entries, contents, shared }: MapSettings): void {
    const lib = libbpf();
    const map = this.map(name);
    const results = [
      entries === undefined ? 0 : lib.setMaxEntries(map, entries),
      contents === undefined ? 0 : lib.setInitialValue(map, contents, contents.length),
      shared === undefined ? 0 : lib.reuseFd(map, shared),
    ];
    const failed = results.find((result) => result < 0);
    if (failed !== undefined) throw new Error(`BPF object ${this.name}: map ${name}: ${errnoName(-failed)}`);
  }

  /** Of its programs load() is to take these. */
  private loadOnly(wanted: readonly string[]): void {
    const lib = libbpf();
    const kept = wanted.map((name) => this.program(name));
    for (let at = lib.nextProgram(this.handle, null); at !== null; at = lib.nextProgram(this.handle, at)) {
      const failed = lib.setAutoload(at, kept.includes(at));
      if (failed < 0) throw new Error(`BPF object ${this.name}: choosing its programs: ${errnoName(-failed)}`);
    }
  }

  private logOf(program: string): Buffer {
    const log = Buffer.alloc(LOG_BYTES);
    libbpf().setLogBuf(this.program(program), log, log.length);
    return log;
  }

  private map(name: string): Handle {
    return this.known(libbpf().findMap(this.handle, name), `map ${name}`);
  }

  private program(name: string): Handle {
    return this.known(libbpf().findProgram(this.handle, name), `program ${name}`);
  }

  private known(found: Handle | null, what: string): Handle {
    if (found === null)
      throw new Error(`BPF object ${this.name} has no ${what}: it is of another version, build it again`);
    return found;
  }
}

/** struct bpf_object_open_opts up to its name, and the name behind it. */
function openOptions(name: string): Buffer {
  const size = 16;
  const options = Buffer.alloc(size + Buffer.byteLength(name) + 1);
  options.writeBigUInt64LE(BigInt(size), 0);
  options.writeBigUInt64LE(addressOf(options) + BigInt(size), 8);
  options.write(name, size);
  return options;
}

function loadError(name: string, errno: number, logs: readonly Buffer[]): Error {
  const said = lastWords(logs);
  if ((errno === EPERM || errno === EACCES) && said === '') {
    const remedy = 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON';
    return new Error(`the kernel lets this process load no BPF program (${errnoName(errno)}): ${remedy}`);
  }
  return new Error(
    `the kernel does not take the BPF program ${name} (${errnoName(errno)})${said === '' ? '' : `; its verifier says:\n${said}`}`,
  );
}

function lastWords(logs: readonly Buffer[]): string {
  const texts = logs.map((log) => log.toString('latin1', 0, Math.max(0, log.indexOf(0))).trimEnd());
  const text = texts.find((one) => one !== '') ?? '';
  return text.split('\n').slice(-LOG_LINES).join('\n');
}
