// The kinds of value that are addresses: ranges of them, hosts and origins. Used by the table in schema.ts.

import { isIP } from 'node:net';
import { type Key, type Kind, key, listOf } from './kinds.ts';

/** The prefix length of `10.0.0.0/8` or `2001:db8::/32`, the full one of an address alone; undefined for others. */
function prefixOf(text: string): number | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return undefined;
  const longest = family === 4 ? 32 : 128;
  if (prefix === undefined) return longest;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest ? Number(prefix) : undefined;
}

const networksKind = listOf('addresses or CIDR ranges, separated by commas', (item) => {
  if (prefixOf(item) === undefined)
    throw new Error('expected addresses or CIDR ranges such as 10.0.0.1, 10.1.0.0/16');
});

export const networks = (doc: string, value: readonly string[] = []): Key<readonly string[]> =>
  key(networksKind, value, doc);

/** What `@fastify/proxy-addr` knows by name. */
const namedNetworks = ['loopback', 'linklocal', 'uniquelocal'];

const proxiesKind = listOf(`addresses, CIDR ranges, ${namedNetworks.join(', ')}`, (item) => {
  // A range of everything would believe every client; proxy-addr refuses it too.
  if (!namedNetworks.includes(item) && !prefixOf(item)) {
    throw new Error(
      `expected addresses, CIDR ranges such as 10.1.0.0/16 (not /0), or ${namedNetworks.join(', ')}`,
    );
  }
});

/** Networks of proxies, in the forms that `@fastify/proxy-addr` takes. */
export const proxies = (doc: string): Key<readonly string[]> => key(proxiesKind, [], doc);

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const hostName = new RegExp(`^${label}(?:\\.${label})*$`, 'i');

/** A host name or an IP address, IPv6 without brackets. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes('%');
  if (text.length > 253 || !hostName.test(text)) return false;
  // Names such as 127.1 and 0x7f.1 would become IP addresses in a URL.
  return URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text.toLowerCase();
}

function refuseWildcard(host: string): void {
  if (['0.0.0.0', '[::]'].includes(new URL(`http://${host}`).hostname))
    throw new Error('expected an address that clients can call, no wildcard');
}

const callbackTargetsKind = listOf('host names, addresses, CIDR ranges, separated by commas', (item) => {
  if (prefixOf(item) === undefined && !isHost(item)) {
    throw new Error('expected host names, addresses or CIDR ranges such as hooks.example.org, 10.1.0.0/16');
  }
});

/** What callbacks may reach although it is no public address. */
export const callbackTargets = (doc: string): Key<readonly string[]> => key(callbackTargetsKind, [], doc);

const upstreamHostKind: Kind<string> = {
  name: 'host name or IP address',
  parse: (text) => {
    // Files of the old server have `http://` before it.
    const [, scheme = '', host = ''] = /^(https:\/\/)?(?:http:\/\/)?(.*)$/.exec(text) ?? [];
    if (!isHost(host)) throw new Error('expected a host name or IP address, maybe with https:// before it');
    return `${scheme}${host}`;
  },
  format: (value) => value,
};

/** The host of a system that we call; `https://` before it stays, `http://` goes. */
export const upstreamHost = (value: string, doc: string): Key<string> => key(upstreamHostKind, value, doc);

const pathKind: Kind<string> = {
  name: 'path',
  parse: (text) => {
    if (!/^\/[\x21-\x7e]*$/.test(text) || text.includes('#'))
      throw new Error('expected a path that begins with /');
    return text;
  },
  format: (value) => value,
};

/** The path of a URL, maybe with a query. */
export const path = (value: string, doc: string): Key<string> => key(pathKind, value, doc);

const publicHostKind: Kind<string> = {
  name: 'host name or IP address',
  parse: (text) => {
    if (text === '') return text;
    if (!isHost(text)) {
      throw new Error(
        'expected a host name or IP address alone, such as gw.example.org or 2001:db8::1 (for a scheme or port use public_url)',
      );
    }
    refuseWildcard(isIP(text) === 6 ? `[${text}]` : text);
    return text;
  },
  format: (value) => value,
};

export const publicHost = (doc: string): Key<string> => key(publicHostKind, '', doc);

/** A URL of `scheme://host[:port]` in the one form that browsers send. Throws with the form to write, when there is one. */
function checkOrigin(text: string, schemes: readonly string[], expected: string): URL {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const known = parsed && schemes.includes(parsed.protocol.slice(0, -1));
  if (!known || !isHost(parsed.hostname.replace(/^\[|\]$/g, ''))) throw new Error(`expected ${expected}`);
  const exact = `${parsed.protocol}//${parsed.host}`;
  if (text !== exact) throw new Error(`expected ${expected}; write ${exact}`);
  return parsed;
}

const originsKind = listOf('web origins, separated by commas', (item) => {
  checkOrigin(
    item,
    ['http', 'https'],
    'web origins as browsers send them, such as https://app.example.org or http://localhost:3000, or * alone for any',
  );
});

/** Web origins; `*` is an empty list, which means any. */
export const origins = (doc: string): Key<readonly string[]> => {
  const parse = (text: string): readonly string[] => (text === '*' ? [] : originsKind.parse(text));
  return key({ ...originsKind, parse }, [], doc);
};

/** The origin of a service as clients see it, or empty. */
export function publicUrl(schemes: readonly [string, string], doc: string): Key<string> {
  const example = `${schemes[1]}://gw.example.org`;
  const expected = `${schemes.join(':// or ')}:// with a host and maybe a port, without a path, such as ${example} or ${example}:8443`;
  const parse = (text: string): string => {
    if (text !== '') refuseWildcard(checkOrigin(text, schemes, expected).hostname);
    return text;
  };
  return key({ name: `origin (${schemes.join(', ')})`, parse, format: (v) => v }, '', doc);
}
