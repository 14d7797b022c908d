/** The rpcs of an AFI server that are a question: how one is asked over a channel, and how long an answer may take. */
import * as grpc from '@grpc/grpc-js';
import { AFI_METHODS } from '../aft/service';
import type { FindMessage, FindReply } from '../aft/wire';

/** A find may list a million entries; this bounds one that stalls. */
const FIND_TIMEOUT_MS = 60_000;

/** Asks with one message, for one message. Rejects with a ServiceError, also when there is no answer within `timeoutMs`. */
export function ask<Request, Reply>(
  client: grpc.Client,
  method: grpc.MethodDefinition<Request, Reply>,
  request: Request,
  timeoutMs: number,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new grpc.Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, reply) => {
        if (error !== null) reject(error);
        else if (reply === undefined) reject(new Error('the server answered with nothing'));
        else resolve(reply);
      },
    );
  });
}

/** Nodes or entries, in batches as the server sends them. Throws a ServiceError when the connection breaks meanwhile. */
export async function* findBatches(client: grpc.Client, request: FindMessage): AsyncGenerator<FindReply, void> {
  const { path, requestSerialize, responseDeserialize } = AFI_METHODS.find;
  const options = { deadline: Date.now() + FIND_TIMEOUT_MS };
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    new grpc.Metadata(),
    options,
  );
  try {
    for await (const batch of stream) yield batch as FindReply;
  } finally {
    stream.cancel();
  }
}
