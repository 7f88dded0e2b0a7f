// Worker processes by node:cluster: they run this same command line, and listen on ports that this process shares out. Used by
// primary.ts and worker.ts; the only owner of node:cluster.

import type { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { messageOf } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { Peer } from '../../store/remote/interface.ts';
import { createIpcPeer } from '../../store/remote/ipc-peer.ts';
import { boundedSend } from './bounded-send.ts';
import { canMiss, type ToPrimary, type ToWorker } from './messages.ts';
import type { WorkerExit, WorkerProcess } from './supervisor.ts';

/** Whether this process is a worker of another one. */
export function isWorkerProcess(): boolean {
  return cluster.isWorker;
}

/** For the last messages of a worker that has died to arrive. */
const lastMessagesMs = 500;

export function forkWorker(): WorkerProcess {
  // Connections are given to the workers round-robin: several that accept from one socket get very uneven shares on Linux.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const worker = cluster.fork();
  const child = worker.process;
  closeLostConnections(child);
  const closed = new Promise<void>((resolve) => void worker.once('disconnect', () => resolve()));
  const ended = new Promise<WorkerExit>((resolve) => {
    child.once('exit', (code, signal) => {
      // Its last messages may still be in the channel. Where it died within one, Node (20 to 24) does not report the end of the channel,
      // and node:cluster would keep giving connections to the worker.
      const stop = setTimeout(() => child.emit('disconnect'), lastMessagesMs);
      void closed.then(() => {
        clearTimeout(stop);
        resolve({ code, signal });
      });
    });
    // Of the worker, not of its process, whose error is thrown unless somebody listens to the worker's.
    worker.on('error', (error: unknown) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error: messageOf(error) });
    });
  });
  // Without its channel it ends by itself, unless it hangs.
  void closed.then(() => child.kill('SIGKILL'));
  return {
    pid: child.pid,
    send: boundedSend<ToWorker>((message, written) => {
      // The channel may be closed meanwhile, which `ended` reports.
      if (worker.isConnected()) worker.send(message, undefined, undefined, () => written());
      else written();
    }, canMiss),
    onMessage: (listener) => {
      // Safe cast: only workers of this same version write to the channel.
      worker.on('message', (message) => listener(message as ToPrimary));
    },
    kill: () => void child.kill('SIGKILL'),
    ended,
    peer: createIpcPeer(child),
  };
}

/**
 * Closes the connections that a worker was given and had not accepted when it died, so that their clients reconnect. node:cluster
 * (Node 20 to 24) keeps them open for ever. Relies on the form of its messages; with another form it does nothing.
 */
function closeLostConnections(child: ChildProcess): void {
  const given = new Map<unknown, { close(): void }>();
  // A process that could not be started has no channel; its type says otherwise.
  if (child.pid === undefined) return;
  const send = child.send.bind(child) as Send;
  const sendNoting: Send = (message, handle, ...rest) => {
    if (isObject(message) && message.act === 'newconn' && isClosable(handle)) given.set(message.seq, handle);
    return send(message, handle, ...rest);
  };
  Reflect.set(child, 'send', sendNoting);
  child.on('internalMessage', (message) => {
    if (isObject(message)) given.delete(message.ack);
  });
  child.once('exit', () => {
    for (const handle of given.values()) handle.close();
    given.clear();
  });
}

type Send = (message: unknown, handle: unknown, ...rest: readonly unknown[]) => boolean;

function isClosable(handle: unknown): handle is { close(): void } {
  return isObject(handle) && typeof handle.close === 'function';
}

/** The end of the channel in a worker. Node ends the process when the primary does. */
export interface PrimaryChannel {
  /** `written` is called when the message has left, or was dropped. */
  send(message: ToPrimary, written?: () => void): void;
  /** For the store of the primary. */
  readonly peer: Peer;
  onMessage(listener: (message: ToWorker) => void): void;
}

export function openPrimaryChannel(): PrimaryChannel {
  return {
    peer: createIpcPeer(process),
    send: boundedSend<ToPrimary>((message, written) => {
      if (process.connected && process.send) process.send(message, undefined, undefined, () => written());
      else written();
    }, canMiss),
    onMessage: (listener) => {
      // Safe cast: only the primary, of this same version, writes to the channel.
      process.on('message', (message) => listener(message as ToWorker));
    },
  };
}
