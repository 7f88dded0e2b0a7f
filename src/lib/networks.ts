// IP networks as numbers, to find the longest prefix that an address has. Used for the configured NAS.

import { isIPv4 } from 'node:net';
import { canonicalIpv6, mappedIpv4 } from './net.ts';

/** A network; an address is one of the full length. */
export interface Network {
  readonly family: 4 | 6;
  /** The first address, without the bits behind the prefix. */
  readonly first: bigint;
  /** 0 to 32, or to 128. */
  readonly prefix: number;
}

/** `10.0.0.1`, `10.0.0.0/8` and their IPv6 forms; undefined for anything else. An IPv4-mapped address is one of IPv4. */
export function parseNetwork(text: string): Network | undefined {
  const [ip = '', bits, ...rest] = text.split('/');
  const address = parseAddress(ip);
  if (!address || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const { family, value, mappedBits } = address;
  const length = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? length : Number(bits) - mappedBits;
  if (prefix < 0 || prefix > length) return undefined;
  return { family, first: withoutHost(value, length, prefix), prefix };
}

/** Whether the address, a network of the full length, is in the network. */
export function contains(network: Network, { family, first }: Network): boolean {
  const length = family === 4 ? 32 : 128;
  return family === network.family && withoutHost(first, length, network.prefix) === network.first;
}

/** The network of that prefix that an address is in. */
export function networkAround({ family, first }: Network, prefix: number): Network {
  return { family, first: withoutHost(first, family === 4 ? 32 : 128, prefix), prefix };
}

/** The same for equal networks, however they are written. */
export function networkKey({ family, first, prefix }: Network): string {
  return `${family}:${first}/${prefix}`;
}

function withoutHost(value: bigint, length: number, prefix: number): bigint {
  const host = BigInt(length - prefix);
  return (value >> host) << host;
}

function parseAddress(ip: string): { family: 4 | 6; value: bigint; mappedBits: number } | undefined {
  if (isIPv4(ip)) return { family: 4, value: ipv4Value(ip), mappedBits: 0 };
  const canonical = canonicalIpv6(ip);
  if (canonical === undefined) return undefined;
  const ipv4 = mappedIpv4(canonical);
  if (ipv4 !== undefined) return { family: 4, value: ipv4Value(ipv4), mappedBits: 96 };
  return { family: 6, value: BigInt(`0x${ipv6Groups(canonical).join('')}`), mappedBits: 0 };
}

function ipv4Value(ip: string): bigint {
  return BigInt(`0x${Buffer.from(ip.split('.').map(Number)).toString('hex')}`);
}

/** The eight groups of a canonical IPv6 address, in which `::` stands for those that are missing, each of four digits. */
export function ipv6Groups(canonical: string): string[] {
  const [head = '', tail] = canonical.split('::');
  const groups = (text = ''): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0'));
}
