// UDP ports for tests: one that is free now, for servers that cannot be told to choose one, and port 0 as that of a sender.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { python } from './needs.ts';

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

const rawSender = `
import socket, struct, sys
port, data = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
header = struct.pack('!HHHH', 0, port, 8 + len(data), 0)
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).sendto(header + data, ('127.0.0.1', 0))
`;

/** Sends a datagram to a port of 127.0.0.1 with 0 as the port that it comes from. Only root may. */
export function sendFromPortZero(port: number, bytes: Buffer): void {
  execFileSync(python, ['-c', rawSender, String(port), bytes.toString('hex')], { stdio: 'pipe' });
}
