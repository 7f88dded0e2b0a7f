// The parts of the process that a command line uses, injected so that tests can run command lines in their own process.
// run.ts passes the real ones.

import type { Clock } from '../domain/shared/ports.ts';

/** A writable stream, with the size of its terminal if it is one. Emits `resize` when the size changes. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Whether the terminal supports colours. */
  hasColors?(): boolean;
};

/** A readable stream, and whether it is a terminal. */
type Input = NodeJS.ReadableStream & AsyncIterable<unknown> & { readonly isTTY?: boolean };

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  readonly clock: Clock;
  /** Emits SIGINT, SIGTERM and SIGHUP. */
  readonly signals: NodeJS.EventEmitter;
  /** Calls back when the reader of stdout is gone; returns a function that stops watching. Absent: only writes notice. */
  readonly watchStdout?: (onGone: () => void) => () => void;
  /** Replaces the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}
