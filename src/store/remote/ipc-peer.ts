// One end of the channel between the owner and a client, over the IPC channel of node:child_process or node:cluster. Used in
// both processes.

import { isObject } from '../../lib/json.ts';
import type { Peer } from './interface.ts';

/** A child process, such as the `process` of a worker of node:cluster, or this process as the child of another one. */
export interface IpcEnd {
  readonly connected: boolean;
  send?(message: object, callback: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** The member of the messages of the store, beside which others may use the same channel. */
const topic = 'store';
/** A message costs as much as a dozen calls. */
const laterMs = 5;

/**
 * JSON, the default `serialization`, costs a quarter less time than `advanced` (V8's) for the messages of the store.
 */
export function createIpcPeer(end: IpcEnd): Peer {
  return {
    send: (message, onSent) => {
      // Without a callback, Node throws or emits an error when the channel is closed.
      if (end.send && end.connected) end.send({ [topic]: message }, () => onSent());
      else setImmediate(onSent);
    },
    later: (work) => void setTimeout(work, laterMs),
    onMessage: (listener) => {
      end.on('message', (message) => {
        if (isObject(message) && topic in message) listener(message[topic]);
      });
    },
    onClose: (listener) => {
      if (!end.connected) return void setImmediate(listener);
      end.on('disconnect', listener);
    },
  };
}
