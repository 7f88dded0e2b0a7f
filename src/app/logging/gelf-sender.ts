// Sends log lines to Graylog over UDP, in the background: a line that finds no room, no address or no network is lost and
// counted. Used by logs.ts.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Clock, Log } from '../../domain/ports.ts';
import { errnoOf, messageOf } from '../../errors.ts';
import { datagramsOf, encodeGelf } from './gelf-codec.ts';
import { countLosses } from './losses.ts';
import type { LogRecord } from './record.ts';

export interface GelfSender {
  /** Never throws, never waits. */
  send(record: LogRecord): void;
  /** Lines that were lost. */
  readonly dropped: number;
  /** Sends what waits, within half a second. */
  close(): Promise<void>;
}

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface GelfDeps {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** Told of losses. */
  readonly log: Log;
  /** In place of the system's. */
  readonly resolve?: (host: string) => Promise<Address>;
}

/** Bytes that wait for an address or for the network. */
const maxWaiting = 1024 * 1024;
/** Names are looked up anew after this long: the server may have moved. */
const keepAddressMs = 60_000;
const retryMs = 5_000;
const closeMs = 500;

export function createGelfSender({ host, port, clock, log, resolve = lookUp }: GelfDeps): GelfSender {
  const self = hostname();
  const waiting: Buffer[] = [];
  /** Bytes that wait, those that the system has not taken yet included. */
  let bytes = 0;
  let sending = 0;
  let target: (Address & { readonly until: number }) | undefined;
  const sockets = new Map<4 | 6, Socket>();
  let closed: Promise<void> | undefined;
  let resolving = false;
  let unresolvedUntil = Number.NEGATIVE_INFINITY;
  let whenIdle = (): void => {};

  const losses = countLosses(clock, (lost, reason) =>
    log.error({ host, port, lost, reason }, 'log lines were lost on the way to Graylog'),
  );

  const find = async (): Promise<void> => {
    resolving = true;
    try {
      target = { ...(await resolve(host)), until: clock.monotonic() + keepAddressMs };
    } catch (error) {
      // The last address is better than none.
      unresolvedUntil = clock.monotonic() + retryMs;
      if (!target) {
        losses.add(waiting.length, reasonOf(error));
        for (const message of waiting.splice(0)) bytes -= message.length;
      }
    }
    resolving = false;
    flush();
  };

  const socketFor = (family: 4 | 6): Socket => {
    const known = sockets.get(family);
    if (known) return known;
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6').unref();
    // What goes wrong is told to each send.
    socket.on('error', () => undefined);
    sockets.set(family, socket);
    return socket;
  };

  const flush = (): void => {
    const now = clock.monotonic();
    if (!resolving && now >= unresolvedUntil && (!target || now >= target.until)) void find();
    if (target) for (const message of waiting.splice(0)) sendNow(message, target);
    if (sending === 0 && waiting.length === 0) whenIdle();
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
      if (failure !== undefined) losses.add(1, reasonOf(failure));
      if (sending === 0 && waiting.length === 0) whenIdle();
    };
    for (const datagram of datagrams) socketFor(family).send(datagram, port, address, done);
  };

  const end = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      const giveUp = clock.after(closeMs, resolve);
      whenIdle = () => {
        giveUp();
        resolve();
      };
      flush();
    });
    losses.stop();
    for (const socket of sockets.values()) socket.close();
  };

  return {
    send: (record) => {
      if (closed) return;
      const message = encodeGelf(record, self);
      if (bytes + message.length > maxWaiting) return losses.add(1, 'too many at once');
      if (!target && clock.monotonic() < unresolvedUntil) return losses.add(1, `${host} is not known`);
      bytes += message.length;
      waiting.push(message);
      flush();
    },
    get dropped() {
      return losses.total;
    },
    close: () => {
      closed ??= end();
      return closed;
    },
  };
}

function reasonOf(error: unknown): string {
  return String(errnoOf(error) ?? messageOf(error));
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
