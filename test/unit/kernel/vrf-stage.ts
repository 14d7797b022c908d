/** Two ports, and what the FIB makes of rtnetlink's messages for them: from the bytes by way of monitor and mirror. */
import { Fib } from '../../../src/fib/fib';
import { KernelMirror } from '../../../src/kernel/mirror';
import { KernelMonitor } from '../../../src/kernel/monitor';
import { nullLogger } from '../../../src/observe/log';

/** What became of the ports: table, and `host` where Linux has it for itself; the tables that are forwarded by, with their names. */
export function stage(): {
  receive: (...messages: Buffer[]) => void;
  ports: () => string;
  tables: () => string;
  /** In which table Linux looks up what is sent to the device of this name; undefined: in none. */
  lookup: (name: string) => number | undefined;
} {
  const nothing = (): void => undefined;
  const fib = new Fib({
    table: 254,
    ports: new Map([
      ['tap0', 0],
      ['tap1', 1],
    ]),
    ...{ onWork: nothing, onReport: nothing, onNeed: nothing, now: () => 0 },
  });
  const mirror = new KernelMirror({
    taps: new Set(['tap0', 'tap1']),
    emit: (update) => fib.applyKernel(update),
    ...{ portAppeared: nothing, neighborSeen: nothing, macChanged: nothing, linkChanged: nothing },
  });
  const monitor = new KernelMonitor({
    apply: (message) => mirror.apply(message),
    ...{ send: nothing, beginDump: nothing, endDump: nothing, synced: nothing, later: nothing, log: nullLogger },
  });
  const portText = (index: number): string => {
    const { input, table } = fib.interfaces.rules(index)!;
    return input === 'host' ? 'host' : String(table);
  };
  return {
    lookup: (name) => {
      const device = fib.interfaces.byName(name);
      return device && fib.interfaces.lookupTable(device.ifindex);
    },
    receive: (...messages) => messages.forEach((message) => monitor.receive(message)),
    ports: () => [0, 1].map(portText).join(' '),
    tables: () => Array.from(fib.vrfs.all(), ({ table, name }) => `${table} ${name ?? '-'}`).join(', '),
  };
}
