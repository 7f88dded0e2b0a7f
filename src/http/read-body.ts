// Reads the body of a request into one buffer, or discards it. Used by body-parsers.ts and the sync service.

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type BodyFault, ByteCollector, type CollectorBounds } from '../lib/collect-bytes.ts';

type Result = Buffer | BodyFault | 'incomplete';

/** Calls `done` once, with the bytes or the fault. Attaches its listeners synchronously and removes them when done. */
export function readBody(stream: Readable, bounds: CollectorBounds, done: (result: Result) => void): void {
  const collector = new ByteCollector(bounds);
  const finish = (result: Result): void => {
    stream.off('data', onData).off('end', onEnd).off('error', onError);
    done(result);
  };
  const onData = (chunk: Buffer): void => {
    const fault = collector.add(chunk);
    if (fault) finish(fault);
  };
  const onEnd = (): void => {
    const bytes = collector.bytes();
    finish(bounds.declared === undefined || bounds.declared === bytes.length ? bytes : 'incomplete');
  };
  // Node reports a client that disconnects as an error of the stream.
  const onError = (): void => finish('incomplete');
  stream.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Bounds on a discarded body: each chunk costs time, however small. */
const maxDiscardedChunks = 1_024;
const maxDiscardedBytes = 1_024 * 1_024;
/** Old gateway clients send a small JSON body with every GET. */
const smallBytes = 4 * 1_024;

/**
 * Discards the body of a request that needs none, and destroys the connection when the body does not end.
 * @returns whether to close the connection after the response, since reading a long body to its end costs too much
 */
export function discardBody(request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length) <= smallBytes) {
    request.resume();
    return false;
  }
  let [bytes, chunks] = [0, 0];
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (++chunks > maxDiscardedChunks || bytes > maxDiscardedBytes) request.socket.destroy();
  });
  return true;
}
