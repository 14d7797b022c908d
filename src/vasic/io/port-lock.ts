/**
 * One softvasic per port interface. The lock is a listening socket in Linux's abstract namespace: that namespace is the network
 * namespace's own, and the kernel takes the name away with the process, however that ends. Whoever connects is told who holds it.
 */
import { connect, createServer, type Server } from 'node:net';

/** The holder answers from its event loop; one that is stopped doesn't. */
const ANSWER_MS = 1000;

export interface PortLocks {
  /** Gives the interfaces to the next one. */
  close(): void;
}

const pathOf = (name: string): string => `\0softvasic/port/${name}`;

/** What the holder says of itself; undefined: nothing, in time. */
function askHolder(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path: pathOf(name) });
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk.slice(0, 200)));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text === '' ? undefined : text));
  });
}

function lockPort(name: string, holder: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Anybody on this machine may ask, and mustn't stay.
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end(holder, () => socket.destroy());
    });
    server.unref();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      void askHolder(name).then((by) =>
        reject(
          new Error(
            `port interface ${name} is in use by ${by ?? 'another softvasic, which does not answer'}: stop that one, or choose another interface`,
          ),
        ),
      );
    });
    server.listen({ path: pathOf(name) }, () => resolve(server));
  });
}

/**
 * Locks all of these interfaces of this network namespace, or none.
 * @param holder what others are told of this process
 * @throws Error naming the interface and who has it
 */
export async function lockPorts(names: readonly string[], holder: string): Promise<PortLocks> {
  const servers: Server[] = [];
  const close = (): void => servers.forEach((server) => server.close());
  try {
    for (const name of names) servers.push(await lockPort(name, holder));
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}
