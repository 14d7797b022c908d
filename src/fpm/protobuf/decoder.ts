/**
 * FPM's protobuf encoding (frames of type 2, `zebra -M fpm:protobuf`) to the same updates as netlink's: routes with inline
 * nexthops, and SRv6 local SIDs. The schema is proto/fpm.proto; FRR's encoder is zebra_fpm_protobuf.c.
 *
 * protobufjs checks wire types, lengths and required fields; what it doesn't (lengths of addresses, ranges) is checked by the
 * decoders of the kinds. Nothing that the bytes contain makes it throw.
 */
import { join } from 'node:path';
import * as protobuf from 'protobufjs';
import { errorText } from '../../net/error-text';
import type { FpmUpdate } from '../../fib/updates';
import type { DecoderSink } from '../netlink/decoder';
import { decodeRoute, malformed, stopgapOf, type AddRoute, type Undecoded } from './route';
import type { RouteName } from './route-name';
import { decodeSid, type SidMessage } from './sid';

const PROTO_ROOT = join(__dirname, '..', '..', '..', '..', 'proto');

const ADD_ROUTE = 1;
const DELETE_ROUTE = 2;
const ADD_SID = 3;
const DELETE_SID = 4;

/** fpm.Message as protobufjs gives it. */
interface Message {
  readonly type: number;
  readonly addRoute?: AddRoute | null;
  readonly deleteRoute?: RouteName | null;
  readonly srv6Localsid?: SidMessage | null;
}

/** The schema, loaded when the first protobuf frame comes: most zebras send none. */
let messageType: protobuf.Type | undefined;

/** The type `fpm.Message` of proto/fpm.proto. */
export function fpmMessageType(): protobuf.Type {
  if (messageType === undefined) {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(PROTO_ROOT, target);
    messageType = root.loadSync('fpm.proto').lookupType('fpm.Message');
  }
  return messageType;
}

/** Decodes the payload of one frame, `buffer` from `start` to `end`; the counterpart of decodeNetlink. */
export function decodeProtobuf(buffer: Buffer, start: number, end: number, sink: DecoderSink): void {
  const type = fpmMessageType();
  let message: Message;
  try {
    message = type.decode(buffer.subarray(start, end)) as unknown as Message;
  } catch (error) {
    sink.malformed(`protobuf: ${errorText(error)}`, 0, stopgapOf(buffer.subarray(start, end)));
    return;
  }
  const decoded = decodeMessage(message);
  switch (decoded.kind) {
    case 'skip':
      return sink.skipped(decoded.reason);
    case 'malformed':
      return sink.malformed(`protobuf: ${decoded.reason}`, 0, decoded.stopgap);
    default:
      return sink.update(decoded);
  }
}

function decodeMessage(message: Message): FpmUpdate | Undecoded {
  switch (message.type) {
    case ADD_ROUTE:
      return message.addRoute ? decodeRoute(message.addRoute) : malformed('message without its route');
    case DELETE_ROUTE:
      return message.deleteRoute ? decodeRoute(message.deleteRoute) : malformed('message without its route');
    case ADD_SID:
    case DELETE_SID: {
      if (!message.srv6Localsid) return malformed('message without its SID');
      const decoded = decodeSid(message.type === ADD_SID, message.srv6Localsid);
      return typeof decoded === 'string' ? malformed(decoded) : decoded;
    }
    default:
      return { kind: 'skip', reason: `protobuf message type ${message.type}` };
  }
}
