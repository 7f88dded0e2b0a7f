// Sends log lines to Graylog over UDP in the background. Without buffer space, address or network, lines are dropped
// and counted. Used by logs.ts.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf, systemErrorCode } from '../../errors.ts';
import { createDeadline, type Deadline } from '../../lib/deadline.ts';
import { createDropCounter } from './drop-counter.ts';
import { datagramsOf, encodeGelf } from './gelf-codec.ts';
import type { LogRecord } from './record.ts';

export interface GelfSender {
  /** Never throws or blocks. */
  send(record: LogRecord): void;
  /** Dropped lines. */
  readonly dropped: number;
  /** Sends buffered lines, for half a second at most. */
  close(deadline?: Deadline): Promise<void>;
}

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface GelfDeps {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** Gets the reports of dropped lines. */
  readonly log: Log;
  /** Replaces the system's lookup; for tests. */
  readonly resolve?: (host: string) => Promise<Address>;
}

/** Bytes buffered for an address or for the network. */
const maxWaiting = 1024 * 1024;
/** The host is looked up again after this long, because its address may change. */
const addressTtlMs = 60_000;
const retryMs = 5_000;
const closeTimeoutMs = 500;

export function createGelfSender({ host, port, clock, log, resolve = lookUp }: GelfDeps): GelfSender {
  const ownHost = hostname();
  const waiting: Buffer[] = [];
  /** Buffered bytes, including those that are being sent. */
  let bytes = 0;
  let sending = 0;
  let target: (Address & { readonly until: number }) | undefined;
  const sockets = new Map<4 | 6, Socket>();
  let closed: Promise<void> | undefined;
  let resolving = false;
  let retryLookupAt = Number.NEGATIVE_INFINITY;
  let onIdle = (): void => {};

  const drops = createDropCounter(clock, (lost, reason) =>
    log.error({ host, port, lost, reason }, 'log lines for Graylog were dropped'),
  );

  const resolveTarget = async (): Promise<void> => {
    resolving = true;
    try {
      target = { ...(await resolve(host)), until: clock.monotonic() + addressTtlMs };
    } catch (error) {
      // Keep the last address.
      retryLookupAt = clock.monotonic() + retryMs;
      if (!target) {
        drops.add(waiting.length, reasonOf(error));
        for (const message of waiting.splice(0)) bytes -= message.length;
      }
    }
    resolving = false;
    flush();
  };

  const socketFor = (family: 4 | 6): Socket => {
    const existing = sockets.get(family);
    if (existing) return existing;
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6').unref();
    // Errors are passed to the callback of each send.
    socket.on('error', () => undefined);
    sockets.set(family, socket);
    return socket;
  };

  const flush = (): void => {
    const now = clock.monotonic();
    if (!resolving && now >= retryLookupAt && (!target || now >= target.until)) void resolveTarget();
    if (target) for (const message of waiting.splice(0)) sendNow(message, target);
    if (sending === 0 && waiting.length === 0) onIdle();
  };

  const sendNow = (message: Buffer, { address, family }: Address): void => {
    const datagrams = datagramsOf(message, () => randomBytes(8));
    let left = datagrams.length;
    let failure: unknown;
    sending++;
    const done = (error: unknown): void => {
      failure ??= error ?? undefined;
      if (--left > 0) return;
      sending--;
      bytes -= message.length;
      if (failure !== undefined) drops.add(1, reasonOf(failure));
      if (sending === 0 && waiting.length === 0) onIdle();
    };
    for (const datagram of datagrams) socketFor(family).send(datagram, port, address, done);
  };

  const closeSockets = async (deadline: Deadline = createDeadline(clock, closeTimeoutMs)): Promise<void> => {
    const idle = new Promise<void>((resolve) => {
      onIdle = resolve;
    });
    flush();
    await deadline.atMost(closeTimeoutMs).settles(idle);
    drops.stop();
    for (const socket of sockets.values()) socket.close();
  };

  return {
    send: (record) => {
      if (closed) return;
      const message = encodeGelf(record, ownHost);
      if (bytes + message.length > maxWaiting) return drops.add(1, 'buffer full');
      if (!target && clock.monotonic() < retryLookupAt) return drops.add(1, `${host} does not resolve`);
      bytes += message.length;
      waiting.push(message);
      flush();
    },
    get dropped() {
      return drops.total;
    },
    close: (deadline) => (closed ??= closeSockets(deadline)),
  };
}

function reasonOf(error: unknown): string {
  return String(systemErrorCode(error) ?? messageOf(error));
}

function lookUp(host: string): Promise<Address> {
  const family = isIP(host);
  if (family === 4 || family === 6) return Promise.resolve({ address: host, family });
  return new Promise((resolve, reject) => {
    lookup(host, (error, address, found) => {
      if (error) reject(error);
      else resolve({ address, family: found === 6 ? 6 : 4 });
    });
  });
}
