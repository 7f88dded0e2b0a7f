// Requests of an attacker, in large numbers; used by the tests of docs/protocol.md, "Load before authentication".

import { readFileSync } from 'node:fs';
import { connectTo, readAll } from '../hostile/raw.ts';
import type { RunningProcess } from './binary.ts';

/** As /etc/default/swob has it for the units. */
export const unitEnvironment = { NODE_OPTIONS: '--max-old-space-size=128' };

/**
 * The status of a request whose body comes in chunks of one byte; 0 when the connection is closed or reset without one.
 */
export async function sendByteChunks(
  url: string,
  line: string,
  bytes: number,
  headers: readonly string[] = [],
): Promise<number> {
  const socket = await connectTo(url);
  const response = readAll(socket).catch(() => '');
  const all = ['Host: x', 'Content-Type: application/json', 'Transfer-Encoding: chunked', ...headers];
  socket.write(`${line} HTTP/1.1\r\nConnection: close\r\n${all.join('\r\n')}\r\n\r\n`);
  const part = '1\r\n \r\n'.repeat(5_000);
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += 5_000) {
    if (!socket.write(part)) await settled(socket);
  }
  if (!socket.destroyed) socket.write('0\r\n\r\n');
  return statusOf(await response);
}

/** Resolves when the socket takes more, or is closed. */
function settled(socket: Awaited<ReturnType<typeof connectTo>>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1] ?? 0);
}

/** Seconds for which the process has used a processor so far: unlike the time on a clock, other processes do not prolong it. */
export function processorSeconds({ pid }: Pick<RunningProcess, 'pid'>): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  // Linux has 100 ticks a second for programs, whatever the kernel's own rate.
  return ticks / 100;
}

/** The most memory that the process has had so far, in MB. */
export function peakMemory({ pid }: Pick<RunningProcess, 'pid'>): number {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1_024;
}
