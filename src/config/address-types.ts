// Value types for addresses: IP ranges, hosts, origins and paths. Used by the table in schema.ts.

import { isIP, isIPv4, isIPv6 } from 'node:net';
import { unbracketHost } from '../lib/net.ts';
import { defineKey, type KeyDefinition, listType, type ValueType } from './value-types.ts';

/** The prefix length of a CIDR range, the full length for a single address, undefined for anything else. */
function prefixLength(text: string): number | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return undefined;
  const longest = family === 4 ? 32 : 128;
  if (prefix === undefined) return longest;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest ? Number(prefix) : undefined;
}

const networksType = listType('comma-separated addresses or CIDR ranges', (item) => {
  if (prefixLength(item) === undefined)
    throw new Error('expected addresses or CIDR ranges such as 10.0.0.1, 10.1.0.0/16');
});

export const networks = (doc: string, value: readonly string[] = []): KeyDefinition<readonly string[]> =>
  defineKey(networksType, value, doc);

/** The named ranges of `@fastify/proxy-addr`. */
const namedNetworks = ['loopback', 'linklocal', 'uniquelocal'];

const proxiesType = listType(`addresses, CIDR ranges, ${namedNetworks.join(', ')}`, (item) => {
  // A range of all addresses would trust every client; proxy-addr rejects it too.
  if (!namedNetworks.includes(item) && !prefixLength(item)) {
    throw new Error(
      `expected addresses, CIDR ranges such as 10.1.0.0/16 (not /0), or ${namedNetworks.join(', ')}`,
    );
  }
});

/** Networks of proxies, in the forms that `@fastify/proxy-addr` accepts. */
export const proxies = (doc: string): KeyDefinition<readonly string[]> => defineKey(proxiesType, [], doc);

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const hostName = new RegExp(`^${label}(?:\\.${label})*$`, 'i');

/** A host name or an IP address, IPv6 without brackets. */
export function isHost(text: string): boolean {
  // Node 20 takes milliseconds to compile its expression for IPv6, at the start of every command.
  if (text.includes(':')) return isIPv6(text) && !text.includes('%');
  if (isIPv4(text)) return true;
  if (text.length > 253 || !hostName.test(text)) return false;
  // A URL parser would turn names such as 127.1 and 0x7f.1 into IP addresses.
  return URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text.toLowerCase();
}

function rejectWildcard(host: string): void {
  if (['0.0.0.0', '[::]'].includes(new URL(`http://${host}`).hostname))
    throw new Error('expected an address that clients can reach, not a wildcard');
}

const callbackTargetsType = listType('comma-separated host names, addresses or CIDR ranges', (item) => {
  if (prefixLength(item) === undefined && !isHost(item)) {
    throw new Error('expected host names, addresses or CIDR ranges such as hooks.example.org, 10.1.0.0/16');
  }
});

/** Targets that callbacks may reach although they are not public addresses. */
export const callbackTargets = (doc: string): KeyDefinition<readonly string[]> =>
  defineKey(callbackTargetsType, [], doc);

const upstreamHostType: ValueType<string> = {
  name: 'host name or IP address',
  parse: (text) => {
    // Configuration files of the replaced server write `http://` in front of the host.
    const [, scheme = '', host = ''] = /^(https:\/\/)?(?:http:\/\/)?(.*)$/.exec(text) ?? [];
    if (!isHost(host))
      throw new Error('expected a host name or IP address, optionally with https:// in front');
    return `${scheme}${host}`;
  },
  format: (value) => value,
};

/** The host of an upstream system; the prefix `https://` is kept, `http://` is removed. */
export const upstreamHost = (value: string, doc: string): KeyDefinition<string> =>
  defineKey(upstreamHostType, value, doc);

const pathType: ValueType<string> = {
  name: 'path',
  parse: (text) => {
    if (!/^\/[\x21-\x7e]*$/.test(text) || text.includes('#'))
      throw new Error('expected a path that starts with /');
    return text;
  },
  format: (value) => value,
};

/** The path of a URL, optionally with a query. */
export const path = (value: string, doc: string): KeyDefinition<string> => defineKey(pathType, value, doc);

/** The same, or empty. */
export const optionalPath = (doc: string): KeyDefinition<string> =>
  defineKey({ ...pathType, parse: (text) => (text === '' ? text : pathType.parse(text)) }, '', doc);

const publicHostType: ValueType<string> = {
  name: 'host name or IP address',
  parse: (text) => {
    if (text === '') return text;
    if (!isHost(text)) {
      throw new Error(
        'expected only a host name or IP address, such as gw.example.org or 2001:db8::1 (use public_url for a scheme or port)',
      );
    }
    rejectWildcard(isIP(text) === 6 ? `[${text}]` : text);
    return text;
  },
  format: (value) => value,
};

export const publicHost = (doc: string): KeyDefinition<string> => defineKey(publicHostType, '', doc);

/**
 * Parses `scheme://host[:port]` in the exact form that browsers send, optionally with the default port if `mayNamePort`.
 * Throws an Error that names the exact form, if there is one.
 */
function parseOrigin(text: string, schemes: readonly string[], expected: string, mayNamePort = false): URL {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const known = parsed && schemes.includes(parsed.protocol.slice(0, -1));
  if (!known || !isHost(unbracketHost(parsed.hostname))) throw new Error(`expected ${expected}`);
  const exact = `${parsed.protocol}//${parsed.host}`;
  const named = `${exact}:${defaultPorts.get(parsed.protocol)}`;
  if (text !== exact && !(mayNamePort && parsed.port === '' && text === named))
    throw new Error(`expected ${expected}; write ${exact}`);
  return parsed;
}

const defaultPorts = new Map([
  ['http:', 80],
  ['ws:', 80],
  ['https:', 443],
  ['wss:', 443],
]);

const originsType = listType('comma-separated web origins', (item) => {
  parseOrigin(
    item,
    ['http', 'https'],
    'web origins as browsers send them, such as https://app.example.org or http://localhost:3000, or only * for any',
  );
});

/** Web origins; `*` is parsed as the empty list, which allows any. */
export const origins = (doc: string): KeyDefinition<readonly string[]> => {
  const parse = (text: string): readonly string[] => (text === '*' ? [] : originsType.parse(text));
  return defineKey({ ...originsType, parse }, [], doc);
};

/** The public origin of a service, or empty. */
export function publicUrl(schemes: readonly [string, string], doc: string): KeyDefinition<string> {
  const example = `${schemes[1]}://gw.example.org`;
  const expected = `${schemes.join(':// or ')}:// with a host, an optional port and no path, such as ${example} or ${example}:8443`;
  const parse = (text: string): string => {
    if (text !== '') rejectWildcard(parseOrigin(text, schemes, expected, true).hostname);
    return text;
  };
  return defineKey({ name: `origin (${schemes.join(', ')})`, parse, format: (v) => v }, '', doc);
}
