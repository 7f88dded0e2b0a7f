// What a command line touches of the process, so that tests can run it inside their own.
// Used by main.ts, which gives the real ones, and by everything that it starts.

import type { Clock } from '../domain/ports.ts';

/** A stream to write to; whether a terminal is at its other end, and its size. Emits `resize` when that changes. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Whether the terminal shows colours. */
  hasColors?(): boolean;
};

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<unknown>;
  readonly clock: Clock;
  /** Emits SIGINT, SIGTERM and SIGHUP. */
  readonly signals: NodeJS.EventEmitter;
  /** In place of the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}
