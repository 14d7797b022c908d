/**
 * What `make kernel-matrix` runs in each kernel: the program of the kernel engine is loaded and asked what it does with frames of random graphs, side by side with the
 * TypeScript engine, and the ways to hang it into ports are tried on a veth pair. Prints a line of JSON behind RESULT; says what goes on meanwhile.
 *
 *   node dist/test/kernels/in-machine.js GRAPHS
 */
import { release } from 'node:os';
import { performance } from 'node:perf_hooks';
import { errorText } from '../../src/net/error-text';
import { fuzzKernel } from '../fuzz/kernel/kernel-fuzz';

/** What a kernel makes of the program. */
export interface KernelResult {
  readonly kernel: string;
  readonly graphs: number;
  readonly packets: number;
  /** Frames that the program itself decided on. */
  readonly sent: number;
  readonly findings: readonly string[];
  /** Why the kernel doesn't take the program; absent: it does. */
  readonly refused?: string;
}

const SEED = 4711;

function run(graphs: number): KernelResult {
  const kernel = release();
  try {
    const result = fuzzKernel(SEED, graphs, {
      now: () => performance.now(),
      alive: (graph) => {
        if (graph % 10 === 0) process.stdout.write(`${kernel}: ${graph} of ${graphs} graphs\n`);
      },
    });
    const sent = Object.values(result.ways).reduce((sum, way) => sum + way.sent, 0);
    return {
      kernel,
      graphs,
      packets: result.frames,
      sent,
      findings: result.findings.map((one) => JSON.stringify(one)),
    };
  } catch (error) {
    return { kernel, graphs, packets: 0, sent: 0, findings: [], refused: errorText(error) };
  }
}

process.stdout.write(`RESULT ${JSON.stringify(run(Number(process.argv[2] ?? 40)))}\n`);
