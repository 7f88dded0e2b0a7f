// Parses the URL of a store in Redis. Used by the other files of this folder.

import { isHost } from '../../config/address-types.ts';
import type { RedisAddress } from '../../redis/address.ts';

export interface RedisStoreUrl {
  readonly tls: boolean;
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** The server, the Sentinels or the seed nodes of the cluster; at least one. */
  readonly nodes: readonly RedisAddress[];
  /** The database number, 0 by default and in a cluster. */
  readonly db: number;
  /** The name of the master at the Sentinels. */
  readonly master?: string;
  readonly user?: string;
  readonly password?: string;
}

const expectedForms = {
  single: 'redis://<host>[:<port>][/<db>] such as redis://localhost:6379',
  sentinel:
    'redis+sentinel://<host>[:<port>],…/<master name>[/<db>] such as redis+sentinel://a:26379,b:26379/mymaster',
  cluster: 'redis+cluster://<host>[:<port>],… such as redis+cluster://a:6379,b:6379',
} as const;
const defaultPorts = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
/** More than any set of Sentinels or seed nodes needs. */
const maxNodes = 64;

/** Throws an Error that names the expected form and never quotes the URL, which may contain a password. */
export function parseRedisUrl(url: string): RedisStoreUrl {
  const [, scheme = '', how, rest = ''] = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(.*)$/s.exec(url) ?? [];
  if (scheme === '') {
    throw new Error(`expected ${Object.values(expectedForms).join(', or ')}; rediss for TLS`);
  }
  const tls = scheme === 'rediss';
  // Safe cast: the pattern matches nothing else.
  const mode = (how ?? 'single') as RedisStoreUrl['mode'];
  const expected = `expected ${tls ? expectedForms[mode].replaceAll('redis', 'rediss') : expectedForms[mode]}`;
  const [before = '', ...path] = rest.split('/');
  const at = before.lastIndexOf('@');
  // An unencoded slash or "@" in a password would be parsed as its end.
  if (path.join('').includes('@') || /[?#\s]/.test(rest)) {
    throw new Error(
      `${expected}; in user and password write "/", "@", "?", "#" and ":" as %2F, %40, %3F, %23, %3A`,
    );
  }
  const nodes = parseNodes(before.slice(at + 1), defaultPorts[mode], expected);
  if (mode === 'single' && nodes.length > 1) {
    throw new Error(`${expected}; for several servers use redis+sentinel://… or redis+cluster://…`);
  }
  return {
    tls,
    mode,
    nodes,
    ...parsePath(mode, path, expected),
    ...credentials(before.slice(0, Math.max(at, 0)), expected),
  };
}

function parseNodes(text: string, defaultPort: number, expected: string): RedisAddress[] {
  const items = text.split(',');
  if (items.length > maxNodes) throw new Error(`expected at most ${maxNodes} servers`);
  return items.map((item) => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(item) ?? [];
    const host = bracketed ?? plain ?? '';
    const port = digits === undefined ? defaultPort : Number(digits);
    // Only IPv6 addresses contain colons, and only they are written in brackets.
    if (!isHost(host) || (bracketed !== undefined) !== host.includes(':') || port < 1 || port > 65_535) {
      throw new Error(`${expected}; write an IPv6 address in brackets, and a port from 1 to 65535`);
    }
    return { host, port };
  });
}

function parsePath(
  mode: RedisStoreUrl['mode'],
  path: readonly string[],
  expected: string,
): Pick<RedisStoreUrl, 'db' | 'master'> {
  if (mode === 'cluster') {
    if (path.length > 0) throw new Error(`${expected}; a cluster has no numbered databases`);
    return { db: 0 };
  }
  const [name, db, ...more] = mode === 'sentinel' ? path : [undefined, ...path];
  if (more.length > 0) throw new Error(expected);
  if (mode === 'sentinel' && !/^[\w.-]{1,128}$/.test(name ?? '')) {
    throw new Error(`${expected}; a master name consists of letters, digits, ".", "-" and "_"`);
  }
  if (db !== undefined && !/^(?:0|[1-9]\d{0,4})$/.test(db)) throw new Error(`${expected}; a db is a number`);
  return { db: Number(db ?? 0), ...(name !== undefined && { master: name }) };
}

function credentials(text: string, expected: string): Pick<RedisStoreUrl, 'user' | 'password'> {
  const [user = '', password = '', ...more] = text.split(':');
  if (more.length > 0) throw new Error(`${expected}; write ":" in user and password as %3A`);
  try {
    return {
      ...(user !== '' && { user: decodeURIComponent(user) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    };
  } catch {
    // Drop the cause: it may quote the password.
    throw new Error(`${expected}; write "%" in user and password as %25`);
  }
}
