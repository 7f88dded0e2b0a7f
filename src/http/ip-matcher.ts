// Matches addresses against a list of addresses and CIDR ranges: which NAS a token may name, which clients may read metrics.
// Used by app/compose.

import { BlockList, isIP } from 'node:net';
import { SwobError } from '../errors.ts';
import { canonicalIpv6, mappedIpv4 } from '../lib/net.ts';

interface Address {
  readonly ip: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Bits by which the prefix of a mapped IPv4 address is longer than that of the IPv4 address. */
  readonly mappedBits: 0 | 96;
}

/**
 * A matcher for addresses and CIDR ranges of both families. Anything but an IP literal (a host name, octal, a zone) never
 * matches. Throws CONFIG with the key and every malformed entry.
 */
export function createIpMatcher(list: readonly string[], key: string): (ip: string) => boolean {
  const allowed = new BlockList();
  const malformed = list.filter((entry) => !add(allowed, entry));
  if (malformed.length > 0) {
    const shown = malformed.map((entry) => JSON.stringify(entry.slice(0, 60))).join(', ');
    throw new SwobError('CONFIG', `${key}: ${shown}: expected an address or a range such as 100.112.0.0/16`);
  }
  return (ip) => {
    const address = addressOf(ip);
    return address !== undefined && allowed.check(address.ip, address.family);
  };
}

/** False when the entry is malformed. */
function add(allowed: BlockList, entry: string): boolean {
  const [ip = '', bits, ...rest] = entry.split('/');
  const address = addressOf(ip);
  if (!address || rest.length > 0) return false;
  const { family, mappedBits } = address;
  if (bits === undefined) {
    allowed.addAddress(address.ip, family);
    return true;
  }
  const prefix = Number(bits) - mappedBits;
  if (!/^\d{1,3}$/.test(bits) || prefix < 0 || prefix > (family === 'ipv4' ? 32 : 128)) return false;
  allowed.addSubnet(address.ip, prefix, family);
  return true;
}

/** An IPv4-mapped IPv6 address counts as its IPv4, however it is written. */
function addressOf(ip: string): Address | undefined {
  if (isIP(ip) === 4) return { ip, family: 'ipv4', mappedBits: 0 };
  const canonical = canonicalIpv6(ip);
  if (canonical === undefined) return undefined;
  const ipv4 = mappedIpv4(canonical);
  return ipv4 === undefined
    ? { ip: canonical, family: 'ipv6', mappedBits: 0 }
    : { ip: ipv4, family: 'ipv4', mappedBits: 96 };
}
