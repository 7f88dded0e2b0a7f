// A worker process that only reports, for the tests of the primary process.

import type { ToPrimary, ToWorker } from '../../src/app/workers/messages.ts';
import type { WorkerExit, WorkerProcess } from '../../src/app/workers/supervisor.ts';

export interface FakeWorker extends WorkerProcess {
  readonly slot: number;
  /** The kinds of the messages to it, and `killed`. */
  readonly received: string[];
  /** All messages to it. */
  readonly messages: ToWorker[];
  hangs: boolean;
  report(message: ToPrimary): void;
  ready(): void;
  end(exit?: WorkerExit): void;
}

export function createFakeWorker(slot: number, pid: number): FakeWorker {
  const received: string[] = [];
  const messages: ToWorker[] = [];
  const listeners: ((message: ToPrimary) => void)[] = [];
  let end: (exit: WorkerExit) => void = () => {};
  const ended = new Promise<WorkerExit>((resolve) => {
    end = resolve;
  });
  const report = (message: ToPrimary): void => {
    for (const listener of listeners) listener(message);
  };
  const worker: FakeWorker = {
    slot,
    pid,
    received,
    messages,
    hangs: false,
    report,
    ready: () => report({ kind: 'ready', endpoints: { gateway: { url: `http://127.0.0.1:${slot}` } } }),
    end: (exit = { code: 0, signal: null }) => end(exit),
    send: (message: ToWorker) => {
      const { kind } = message;
      messages.push(message);
      received.push(kind);
      if (kind === 'ping' && !worker.hangs) queueMicrotask(() => report({ kind: 'alive' }));
    },
    onMessage: (listener) => void listeners.push(listener),
    kill: () => {
      received.push('killed');
      end({ code: null, signal: 'SIGKILL' });
    },
    peer: { send: () => {}, later: () => {}, onMessage: () => {}, onClose: () => {} },
    ended,
  };
  return worker;
}
