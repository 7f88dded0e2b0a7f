// The UDP socket of the NAS stub. Used by nas.ts.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf, SwobError } from '../errors.ts';
import { bracketHost } from '../lib/net.ts';

/** Further ones are sent immediately. */
const maxHeld = 1_000;

interface UdpServer {
  /** As bound. */
  readonly address: string;
  readonly port: number;
  /** Sends, and then what is held. */
  send(bytes: Buffer, to: RemoteInfo): void;
  /** Sends it after the next other packet. */
  hold(bytes: Buffer, to: RemoteInfo): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Throws UNAVAILABLE when it cannot listen at the address. */
export function openUdp(
  { host, port }: { readonly host: string; readonly port: number },
  receive: (datagram: Buffer, from: RemoteInfo) => void,
): Promise<UdpServer> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let held: (() => void)[] = [];
  let closed: Promise<void> | undefined;
  const send = (bytes: Buffer, to: RemoteInfo): void => {
    if (!closed) socket.send(bytes, to.port, to.address, () => undefined);
  };
  return new Promise((resolve, reject) => {
    socket.on('error', (cause) => {
      const where = `${bracketHost(host)}:${port}`;
      const message = `cannot listen on UDP ${where}: ${messageOf(cause)}; choose another address or port`;
      reject(new SwobError('UNAVAILABLE', message, { cause }));
    });
    socket.on('message', (datagram, from) => {
      // A sender can write port 0 into the header, and `send` throws for it.
      if (from.port !== 0) receive(datagram, from);
    });
    socket.bind(port, host, () =>
      resolve({
        address: socket.address().address,
        port: socket.address().port,
        send: (bytes, to) => {
          send(bytes, to);
          const waiting = held;
          held = [];
          for (const each of waiting) each();
        },
        hold: (bytes, to) => {
          if (held.length >= maxHeld) send(bytes, to);
          else held.push(() => send(bytes, to));
        },
        close: () => {
          closed ??= new Promise((done) => socket.close(() => done()));
          return closed;
        },
      }),
    );
  });
}
