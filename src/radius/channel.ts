// One UDP socket of the RADIUS client, bound to a source address, with the requests that wait for answers on it. Used by client.ts.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { DropReason } from '../domain/wifi/datagram-outcomes.ts';
import { systemErrorCode } from '../errors.ts';
import { canonicalIpv6 } from '../lib/net.ts';
import { responseFault } from './authenticators.ts';
import { decodePacket, type Packet, packetCodes } from './packet.ts';

/** A packet has one byte for its identifier. */
export const identifiers = 256;

/** A request that has an identifier and waits for its answer. */
interface Waiting {
  readonly code: number;
  /** Of the request, 16 bytes. */
  readonly authenticator: Buffer;
  readonly secret: Buffer;
  answered(packet: Packet): void;
  /** The socket has failed, with the system's code of the error. */
  failed(code: string): void;
}

/** A NAS, by its address and port. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly waiting: Map<number, Waiting>;
}

export interface Channel {
  peer(address: string, port: number): Peer;
  /** Forgets the peer once nothing waits for it. */
  release(peer: Peer): void;
  /** An identifier that no request to the peer has; undefined when all are in use. */
  freeIdentifier(peer: Peer): number | undefined;
  /** @returns the system's code of an error; undefined when the packet was handed to the system */
  send(bytes: Buffer, peer: Peer): Promise<string | undefined>;
  close(): void;
}

/** The codes of the answers to each request. */
const answersTo: ReadonlyMap<number, readonly number[]> = new Map([
  [packetCodes.disconnectRequest, [packetCodes.disconnectAck, packetCodes.disconnectNak]],
  [packetCodes.coaRequest, [packetCodes.coaAck, packetCodes.coaNak]],
  [packetCodes.accountingRequest, [packetCodes.accountingResponse]],
]);

/** @param source the address to bind, or that of all interfaces of the family */
export function openChannel(
  source: string,
  on: { dropped(reason: DropReason): void; failed(code: string): void },
): Channel {
  const isIpv6 = isIPv6(source);
  const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 });
  const peers = new Map<string, Peer>();
  const bound = bind(socket, source);
  let isBound = false;
  void bound.then((code) => {
    isBound = code === undefined;
  });
  let next = 0;

  const fail = (code: string): void => {
    // Otherwise `send` reports the failure.
    const all = isBound ? [...peers.values()].flatMap(({ waiting }) => [...waiting.values()]) : [];
    for (const each of all) each.failed(code);
    on.failed(code);
  };
  socket.on('error', (error) => fail(codeOf(error)));
  socket.on('message', (datagram, from) => {
    const reason = receive(peers.get(keyOf(canonical(from), from.port)), datagram);
    if (reason) on.dropped(reason);
  });

  return {
    peer: (address, port) => {
      const key = keyOf(canonical({ address }), port);
      const peer = peers.get(key) ?? { address, port, waiting: new Map() };
      peers.set(key, peer);
      return peer;
    },
    release: (peer) => {
      if (peer.waiting.size === 0) peers.delete(keyOf(canonical(peer), peer.port));
    },
    freeIdentifier: ({ waiting }) => {
      // Round-robin, so that the late answer to an earlier request rarely meets a new one.
      for (let tried = 0; tried < identifiers; tried += 1) {
        const identifier = next;
        next = (next + 1) % identifiers;
        if (!waiting.has(identifier)) return identifier;
      }
      return undefined;
    },
    send: async (bytes, { address, port }) => {
      const failure = await bound;
      if (failure !== undefined) return failure;
      return new Promise((resolve) => {
        const sent = (error: Error | null): void => resolve(error ? codeOf(error) : undefined);
        try {
          socket.send(bytes, port, address, sent);
        } catch (error) {
          // The socket has been closed meanwhile.
          resolve(codeOf(error));
        }
      });
    },
    // Closing a socket that is still being bound throws, and an error has closed nothing.
    close: () => void bound.then(() => socket.close()).catch(() => undefined),
  };
}

/** Gives the answer to the request that waits for it. @returns why it was dropped instead */
function receive(peer: Peer | undefined, datagram: Buffer): DropReason | undefined {
  if (!peer) return 'sender';
  const decoded = decodePacket(datagram);
  if (decoded.kind !== 'packet') return 'malformed';
  const { packet, bytes } = decoded;
  const waiting = peer.waiting.get(packet.identifier);
  if (!waiting) return 'identifier';
  const fault = responseFault(bytes, waiting.authenticator, waiting.secret);
  if (fault !== undefined) return fault === 'authenticator' ? 'authenticator' : 'message_authenticator';
  if (!answersTo.get(waiting.code)?.includes(packet.code)) return 'code';
  waiting.answered(packet);
  return undefined;
}

/** @returns the system's code of an error; undefined when the socket is bound */
function bind(socket: Socket, address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once('error', (error) => resolve(codeOf(error)));
    socket.bind({ address, port: 0, exclusive: true }, () => resolve(undefined));
  });
}

function codeOf(error: unknown): string {
  return String(systemErrorCode(error) ?? 'an unknown error');
}

function canonical({ address }: Pick<RemoteInfo, 'address'>): string {
  return canonicalIpv6(address) ?? address;
}

function keyOf(address: string, port: number): string {
  return `${address} ${port}`;
}
