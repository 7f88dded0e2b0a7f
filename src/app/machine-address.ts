// An address of this machine, for URLs of a service that listens on all of them.

import { networkInterfaces } from 'node:os';

/** The first IPv4 address that other machines can reach, else the loopback one. */
export function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
