/** Which daemon a command asks: the options that all of them share, and the socket that follows from them. */
import type { Argv } from 'yargs';

export const DEFAULT_SOCKET = '/run/fpm2afi/control.sock';
/** Names the socket where the command line doesn't. */
export const SOCKET_VARIABLE = 'FPM2AFI_SOCKET';

/** What the command line says. */
export interface Connection {
  readonly socket?: string | undefined;
  readonly config?: string | undefined;
}

/** Adds --socket and --config. */
export function connectionOptions<T>(command: Argv<T>): Argv<T & Connection> {
  return command
    .option('socket', {
      type: 'string',
      requiresArg: true,
      describe: `The daemon's control socket [${SOCKET_VARIABLE}, or ${DEFAULT_SOCKET}]`,
    })
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'Take the socket from this configuration file',
    }) as unknown as Argv<T & Connection>;
}

/**
 * The control socket: the one named, that of the configuration file named, the environment's, the usual one. Rejects with a
 * ConfigError where the file is wrong.
 */
export async function socketOf({ socket, config }: Connection): Promise<string> {
  if (socket !== undefined) return socket;
  if (config !== undefined) {
    // Loaded here, as reading YAML takes as long as all else that a command does.
    const { loadConfig } = await import('../config/load');
    return loadConfig(config).control.socket;
  }
  const fromEnvironment = process.env[SOCKET_VARIABLE];
  return fromEnvironment === undefined || fromEnvironment === '' ? DEFAULT_SOCKET : fromEnvironment;
}
