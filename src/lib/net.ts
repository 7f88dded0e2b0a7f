// IP addresses and hosts as texts. Used wherever URLs are built or addresses compared.

import { isIPv6 } from 'node:net';

/** The host as it stands in a URL: an IPv6 address in brackets. */
export function bracketHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The host of a URL as the system takes it: an IPv6 address without its brackets. */
export function unbracketHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** The decoded user, password or path segment of a URL; a percent sign that encodes nothing is literal, as the URL parser leaves it. */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The one canonical form of an IPv6 address; undefined for anything else, also one with a zone (`fe80::1%eth0`). */
export function canonicalIpv6(ip: string): string | undefined {
  if (!isIPv6(ip) || ip.includes('%')) return undefined;
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

/** The IPv4 address that a canonical IPv6 address maps (`::ffff:a00:1` is 10.0.0.1); undefined when it maps none. */
export function mappedIpv4(canonical: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return [high, low].flatMap((group) => [...Buffer.from(group.padStart(4, '0'), 'hex')]).join('.');
}
