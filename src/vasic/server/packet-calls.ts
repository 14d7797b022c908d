/** The calls about single packets: which way one would take, and one that is carried for a client. */
import type { InjectMessage, TestMessage, TestReply } from '../../aft/wire';
import { HOSTPATH_MAX_FRAME } from '../../hostpath/header';
import type { Sandbox } from '../engine/api';
import { ETHER_HEADER } from '../engine/headers';
import { packetOf } from '../engine/packet';
import { CallError } from './call-error';

/** @throws CallError for a port that isn't there */
export function testPacket(sandbox: Sandbox, ports: number, { port, frame }: TestMessage): TestReply {
  if (port >= ports) throw new CallError('invalid', `no input port ${port}: there are ${ports}`);
  return sandbox.test(port, frame);
}

/**
 * Carries a frame, by the engine also where the kernel forwards. The same sizes are taken as by hostpath.
 * @returns false: the output port didn't take it
 * @throws CallError for a port that isn't there, and a frame that can't be one
 */
export function injectPacket(sandbox: Sandbox, ports: number, { direction, port, frame }: InjectMessage): boolean {
  if (port >= ports) throw new CallError('invalid', `no port ${port}: there are ${ports}`);
  if (frame.length < ETHER_HEADER || frame.length > HOSTPATH_MAX_FRAME) {
    const sizes = `from ${ETHER_HEADER} to ${HOSTPATH_MAX_FRAME}`;
    throw new CallError('invalid', `a frame of ${frame.length} bytes: ${sizes} are possible`);
  }
  if (direction === 'out') return sandbox.inject(port, Buffer.from(frame), 0, frame.length);
  sandbox.receive(port, packetOf(frame));
  return true;
}
