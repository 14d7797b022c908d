/**
 * The port tables of a sandbox with what the kernel did beside it: frames that it didn't carry, and who forwards. Ports and the kernel's
 * program count for the life of this process, a sandbox from when it was made; so what they had counted by then is taken off.
 *
 * Owner: the dataplane thread.
 */
import type { AftPortEngine, AftSandboxInfo } from '../../aft/model';
import type { LinuxPort, LinuxPortDrops } from '../io/linux-port';

/** The tables of one sandbox after the other. */
export interface PortTables {
  /** A sandbox begins now, with nothing counted. */
  begin(): void;
  /** Completes what the sandbox knows. */
  complete(info: AftSandboxInfo): AftSandboxInfo;
  /** Who forwards what is received at a port, and how much that was. */
  engine(port: number): AftPortEngine;
}

/** @param engineOf who forwards at a port, counted as long as this process lives */
export function createPortTables(
  ports: readonly Pick<LinuxPort, 'drops' | 'flush'>[],
  engineOf: (port: number) => AftPortEngine,
): PortTables {
  let dropsBefore = ports.map((): LinuxPortDrops => ({ received: 0, sent: 0, sentBytes: 0 }));
  let enginesBefore = ports.map((_, port) => engineOf(port));
  const engine = (port: number): AftPortEngine => engineSince(engineOf(port), enginesBefore[port]!);
  return {
    begin() {
      // What an earlier sandbox sent and the kernel refuses is that one's.
      for (const port of ports) port.flush();
      dropsBefore = ports.map((port) => ({ ...port.drops() }));
      enginesBefore = ports.map((_, port) => engineOf(port));
    },
    engine,
    complete(info) {
      const drops = ports.map((port, i) => dropsSince(port.drops(), dropsBefore[i]!));
      return {
        ...info,
        inputPorts: info.inputPorts.map((port, i) => ({
          ...port,
          ...{ drops: (port.drops ?? 0) + (drops[i]?.received ?? 0), engine: engine(port.index) },
        })),
        outputPorts: info.outputPorts.map((port, i) => {
          const late = drops[i];
          if (late === undefined || late.sent === 0) return port;
          return {
            ...port,
            packets: (port.packets ?? 0) - late.sent,
            bytes: (port.bytes ?? 0) - late.sentBytes,
            drops: (port.drops ?? 0) + late.sent,
          };
        }),
      };
    },
  };
}

function dropsSince(now: LinuxPortDrops, before: LinuxPortDrops): LinuxPortDrops {
  return {
    received: now.received - before.received,
    sent: now.sent - before.sent,
    sentBytes: now.sentBytes - before.sentBytes,
  };
}

function engineSince(now: AftPortEngine, before: AftPortEngine): AftPortEngine {
  const earlier = new Map(before.slow.map(({ reason, packets }) => [reason, packets]));
  const slow = now.slow
    .map(({ reason, packets }) => ({ reason, packets: packets - (earlier.get(reason) ?? 0) }))
    .filter(({ packets }) => packets > 0);
  return { ...now, packets: now.packets - before.packets, slow };
}
