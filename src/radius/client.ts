// Sends RADIUS requests over UDP and waits for their answers: identifiers, retransmission and bounds. Used by the RADIUS backend
// and `swob radius`.

import { isIPv6 } from 'node:net';
import type { Clock } from '../domain/shared/ports.ts';
import { type DropReason, dropReasons } from '../domain/wifi/datagram-outcomes.ts';
import type { Deadline } from '../lib/deadline.ts';
import { sealRequest } from './authenticators.ts';
import { type Channel, identifiers, openChannel, type Peer } from './channel.ts';
import { type Attribute, headerBytes, type Packet } from './packet.ts';
import { sendTimes } from './retransmission.ts';

export interface RadiusRequest {
  /** An IP address without a zone. */
  readonly address: string;
  readonly port: number;
  /** The address to send from, of the same family; absent or empty: the system chooses. */
  readonly sourceAddress?: string;
  readonly secret: Buffer;
  readonly code: number;
  /** Without Message-Authenticator, which every packet gets. */
  readonly attributes: readonly Attribute[];
  /** Milliseconds from the first packet to the end of the wait for an answer, retransmissions included. */
  readonly timeoutMs: number;
  /** Retransmissions within that time. */
  readonly retries: number;
}

/**
 * - `answer`: a packet that the shared secret authenticates as the answer
 * - `timeout`: none in time
 * - `busy`: all identifiers for this NAS were in use for as long as `timeoutMs`, or too many requests wait
 * - `unreachable`: the first packet could not be sent; `code` is the system's
 * - `too large`: the attributes do not fit into a packet
 * - `closed`: the client has been closed
 */
export type RadiusResult = {
  /** Packets sent, the first included. */
  readonly attempts: number;
} & (
  | { readonly kind: 'answer'; readonly packet: Packet }
  | { readonly kind: 'timeout' | 'busy' | 'too large' | 'closed' }
  | { readonly kind: 'unreachable'; readonly code: string }
);

export interface RadiusClient {
  /** Never rejects. */
  request(request: RadiusRequest): Promise<RadiusResult>;
  /** Datagrams that were received and dropped; the waits continue. */
  dropped(): Readonly<Record<DropReason, number>>;
  /** Lets requests end before the deadline. @returns how many it interrupted */
  close(deadline?: Deadline): Promise<number>;
}

export interface RadiusClientOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** From 0 to below 1; spreads retransmissions. */
  readonly random: () => number;
}

/** Source addresses, and so sockets. */
const maxSourceAddresses = 64;
/** Requests that wait for an identifier, over all NAS. */
const maxQueued = 4_096;

/** A request that has not ended. */
interface Job {
  readonly request: RadiusRequest;
  readonly channel: Channel;
  readonly peer: Peer;
  attempts: number;
  cancelTimer: () => void;
  /** Set while the request has an identifier. */
  identifier?: number;
  readonly end: (result: RadiusResult) => void;
}

export function createRadiusClient({ clock, random }: RadiusClientOptions): RadiusClient {
  const channels = new Map<string, Channel>();
  const jobs = new Set<Job>();
  const queues = new Map<Peer, Set<Job>>();
  const dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;
  let queued = 0;
  let isClosed = false;
  let onIdle = (): void => {};

  const channelFor = ({ address, sourceAddress }: RadiusRequest): Channel | undefined => {
    const source = sourceAddress || (isIPv6(address) ? '::' : '0.0.0.0');
    const open = channels.get(source);
    if (open || channels.size >= maxSourceAddresses) return open;
    const channel = openChannel(source, {
      dropped: (reason) => {
        dropped[reason] += 1;
      },
      failed: () => {
        // The next request opens a new socket.
        if (channels.get(source) === channel) channels.delete(source);
        channel.close();
      },
    });
    channels.set(source, channel);
    return channel;
  };

  const end = (job: Job, result: RadiusResult): void => {
    if (!jobs.delete(job)) return;
    const { channel, peer, identifier } = job;
    job.cancelTimer();
    unqueue(job);
    if (identifier !== undefined) peer.waiting.delete(identifier);
    job.end(result);
    const [next] = queues.get(peer) ?? [];
    if (next && peer.waiting.size < identifiers) {
      next.cancelTimer();
      unqueue(next);
      start(next);
    }
    channel.release(peer);
    if (jobs.size === 0) onIdle();
  };

  const unqueue = (job: Job): void => {
    const queue = queues.get(job.peer);
    if (!queue?.delete(job)) return;
    queued -= 1;
    if (queue.size === 0) queues.delete(job.peer);
  };

  const enqueue = (job: Job): void => {
    if (queued >= maxQueued) return end(job, { kind: 'busy', attempts: 0 });
    const queue = queues.get(job.peer) ?? new Set();
    queues.set(job.peer, queue.add(job));
    queued += 1;
    job.cancelTimer = clock.after(job.request.timeoutMs, () => end(job, { kind: 'busy', attempts: 0 }));
  };

  const start = (job: Job): void => {
    const { request, channel, peer } = job;
    const identifier = channel.freeIdentifier(peer);
    if (identifier === undefined) return enqueue(job);
    const { code, attributes, secret, timeoutMs, retries } = request;
    let bytes: Buffer;
    try {
      bytes = sealRequest({ code, identifier, attributes }, secret);
    } catch {
      return end(job, { kind: 'too large', attempts: 0 });
    }
    job.identifier = identifier;
    peer.waiting.set(identifier, {
      code,
      authenticator: bytes.subarray(4, headerBytes),
      secret,
      answered: (packet) => end(job, { kind: 'answer', packet, attempts: job.attempts }),
      failed: (failure) => end(job, { kind: 'unreachable', code: failure, attempts: job.attempts }),
    });
    transmit(job, bytes, sendTimes(timeoutMs, retries, random), clock.monotonic());
  };

  /** Sends the packet, and the same bytes again at each of the times, which are milliseconds since `since`. */
  const transmit = (job: Job, bytes: Buffer, times: readonly number[], since: number): void => {
    const [next = job.request.timeoutMs, ...later] = times;
    job.attempts += 1;
    job.cancelTimer = clock.after(Math.max(0, since + next - clock.monotonic()), () => {
      if (times.length > 0) transmit(job, bytes, later, since);
      else end(job, { kind: 'timeout', attempts: job.attempts });
    });
    const isFirst = job.attempts === 1;
    void job.channel.send(bytes, job.peer).then((code) => {
      // A later packet may be lost; the answer to an earlier one can still arrive.
      if (code !== undefined && isFirst) end(job, { kind: 'unreachable', code, attempts: 0 });
    });
  };

  return {
    request: (request) =>
      new Promise((resolve) => {
        const channel = isClosed ? undefined : channelFor(request);
        if (!channel) return resolve({ kind: isClosed ? 'closed' : 'busy', attempts: 0 });
        const peer = channel.peer(request.address, request.port);
        const job: Job = { request, channel, peer, attempts: 0, cancelTimer: () => {}, end: resolve };
        jobs.add(job);
        start(job);
      }),
    dropped: () => ({ ...dropped }),
    close: async (deadline) => {
      isClosed = true;
      for (const queue of [...queues.values()])
        for (const job of [...queue]) end(job, { kind: 'closed', attempts: 0 });
      if (deadline && jobs.size > 0) {
        const idle = new Promise<void>((resolve) => {
          onIdle = resolve;
        });
        await deadline.settles(idle);
      }
      const interrupted = jobs.size;
      for (const job of [...jobs]) end(job, { kind: 'closed', attempts: job.attempts });
      for (const channel of channels.values()) channel.close();
      channels.clear();
      return interrupted;
    },
  };
}
