// Sync sockets as a process of the load. Used by C5, C10, C11 and the soak.

import type { BenchEnvironment } from './environment.ts';
import type { Child } from './processes.ts';

/** How long each code is shown; our default. */
export const rotateMs = 15_000;

/** For a daemon whose sockets are held: as many codes as they are held for, so that they do not end meanwhile. */
export const heldSockets = ['sync.session_change_limit=1000', `sync.session_sleep_timeout=${rotateMs}ms`];

/** The delays of frames in milliseconds, and what was lost. */
export interface Frames {
  /** After the first of each socket. */
  readonly frames: number;
  readonly lost: number;
  /** Sockets that the server closed. */
  readonly dropped: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Failures in words; empty when every frame arrived. */
export function describeFailures({ lost, dropped }: Frames): string[] {
  return [
    ...(lost > 0 ? [`${lost} frames were lost`] : []),
    ...(dropped > 0 ? [`${dropped} sockets were closed`] : []),
  ];
}

export interface SocketClients {
  readonly child: Child;
  open(count: number): Promise<{ readonly perSecond: number }>;
  /** Closes all. */
  close(): Promise<Frames>;
}

/** For a gateway, which names the websocket server, or `-` and a websocket server. */
export async function startSockets(
  environment: BenchEnvironment,
  [gateway, server]: readonly [gateway: string, server: string],
): Promise<SocketClients> {
  const child = environment.startScript('load', 'sockets', [gateway, server, String(rotateMs)]);
  await child.nextLine();
  const ask = async (line: string) => {
    child.tell(line);
    return JSON.parse(await child.nextLine());
  };
  return { child, open: (count) => ask(`open ${count}`), close: () => ask('close') };
}
