// Sets of addresses and CIDR ranges: which NAS a token may name, who may read metrics. Used by app/compose.

import { BlockList, isIP } from 'node:net';
import { SwobError } from '../errors.ts';

interface Address {
  readonly ip: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Bits that an IPv4 address loses when it is taken out of its IPv6 form. */
  readonly mappedBits: 0 | 96;
}

/**
 * A matcher for addresses and CIDR ranges of both families. What is no IP literal (a host name, octal, a zone)
 * never matches, and with an empty list nothing does. Throws CONFIG, naming the key, with every entry that is malformed.
 */
export function createNetworks(list: readonly string[], key: string): (ip: string) => boolean {
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
  // A URL has the one canonical form; it refuses zones (fe80::1%eth0), which isIP takes.
  if (isIP(ip) !== 6 || !URL.canParse(`http://[${ip}]`)) return undefined;
  const canonical = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!mapped) return { ip: canonical, family: 'ipv6', mappedBits: 0 };
  const [high, low] = [mapped[1], mapped[2]].map((group) => Number.parseInt(group ?? '', 16));
  const octets = [high, low].flatMap((group = 0) => [group >> 8, group & 255]);
  return { ip: octets.join('.'), family: 'ipv4', mappedBits: 96 };
}
