// The URL of the store: how it is checked, what it names, and how it is shown. Used by store-keys.ts and app/compose.

import { fileURLToPath } from 'node:url';
import { isHost } from './address-kinds.ts';
import { type Key, key } from './kinds.ts';

/** Where a server of Redis listens; the host of IPv6 has no brackets. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisStoreUrl {
  readonly kind: 'redis';
  readonly tls: boolean;
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or some nodes of the cluster; at least one. */
  readonly nodes: readonly RedisAddress[];
  /** 0 unless the URL says otherwise; always 0 in a cluster. */
  readonly db: number;
  /** What the Sentinels call the master. */
  readonly master?: string;
  readonly user?: string;
  readonly password?: string;
}

/** What the URL of a store names. */
export type StoreUrl =
  | { readonly kind: 'memory' }
  | { readonly kind: 'folder'; readonly folder: string }
  | RedisStoreUrl;

const expectedFolder =
  'expected file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space, memory:, or redis://<host>[:<port>][/<db>]';
const expectedRedis = {
  single: 'redis://<host>[:<port>][/<db>] such as redis://localhost:6379',
  sentinel:
    'redis+sentinel://<host>[:<port>],…/<master name>[/<db>] such as redis+sentinel://a:26379,b:26379/mymaster',
  cluster: 'redis+cluster://<host>[:<port>],… such as redis+cluster://a:6379,b:6379',
} as const;
const defaultPorts = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
/** More than any set of Sentinels or list of first nodes needs. */
const maxNodes = 64;

/**
 * What the URL names. What follows `file:` is the folder as it stands; only that of `file:///` is decoded (`%20`).
 * Throws an Error that says what is expected, and repeats nothing of the URL.
 */
export function parseStoreUrl(url: string): StoreUrl {
  if (url === 'memory:') return { kind: 'memory' };
  if (/^redis(?:s?:|s?\+)/.test(url)) return parseRedis(url);
  const folder = url.startsWith('file:///') ? decodedFolder(url) : url.replace(/^file:(?!\/\/)/, '');
  if (folder === url || folder === '' || folder.includes('\0')) throw new Error(expectedFolder);
  return { kind: 'folder', folder };
}

/** The folder of a `file:` URL; undefined for every other store. */
export function storeFolder(url: string): string | undefined {
  const parsed = parseStoreUrl(url);
  return parsed.kind === 'folder' ? parsed.folder : undefined;
}

/** The URL for eyes and logs: `***` in place of its password. */
export function shownStoreUrl(url: string): string {
  return url.startsWith('redis') ? url.replace(/^([a-z+]+:\/\/[^:@]*):.*@/, '$1:***@') : url;
}

/** `[::1]:6379`, `redis.example.org:6379`: for messages. */
export function addressName({ host, port }: RedisAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function decodedFolder(url: string): string {
  if (/[?#\\]/.test(url))
    throw new Error(`${expectedFolder}; a "?", "#" or "\\" in it is written %3F, %23, %5C`);
  try {
    return fileURLToPath(url);
  } catch {
    // A percent sign that begins no code, or the code of a slash.
    throw new Error(expectedFolder);
  }
}

function parseRedis(url: string): RedisStoreUrl {
  const [, scheme = '', how, rest = ''] = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(.*)$/s.exec(url) ?? [];
  if (scheme === '') {
    throw new Error(`expected ${Object.values(expectedRedis).join(', or ')}; rediss for TLS`);
  }
  const tls = scheme === 'rediss';
  // Sound: the pattern lets nothing else through.
  const mode = (how ?? 'single') as RedisStoreUrl['mode'];
  const expected = `expected ${tls ? expectedRedis[mode].replaceAll('redis', 'rediss') : expectedRedis[mode]}`;
  const [before = '', ...path] = rest.split('/');
  const at = before.lastIndexOf('@');
  // A slash or an "@" in a password has to be encoded, or it would be taken for the end of it.
  if (path.join('').includes('@') || /[?#\s]/.test(rest)) {
    throw new Error(
      `${expected}; in user and password "/", "@", "?", "#" and ":" are written %2F, %40, %3F, %23, %3A`,
    );
  }
  const nodes = parseNodes(before.slice(at + 1), defaultPorts[mode], expected);
  if (mode === 'single' && nodes.length > 1) {
    throw new Error(`${expected}; several servers are redis+sentinel://… or redis+cluster://…`);
  }
  return {
    kind: 'redis',
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
    // Only an address of IPv6 has colons, and only that stands in brackets.
    if (!isHost(host) || (bracketed !== undefined) !== host.includes(':') || port < 1 || port > 65_535) {
      throw new Error(`${expected}; an address of IPv6 stands in brackets, a port is from 1 to 65535`);
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
    throw new Error(`${expected}; a master name is of letters, digits, ".", "-" and "_"`);
  }
  if (db !== undefined && !/^(?:0|[1-9]\d{0,4})$/.test(db)) throw new Error(`${expected}; a db is a number`);
  return { db: Number(db ?? 0), ...(name !== undefined && { master: name }) };
}

function credentials(text: string, expected: string): Pick<RedisStoreUrl, 'user' | 'password'> {
  const [user = '', password = '', ...more] = text.split(':');
  if (more.length > 0) throw new Error(`${expected}; a ":" in user and password is written %3A`);
  try {
    return {
      ...(user !== '' && { user: decodeURIComponent(user) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    };
  } catch {
    // The error is dropped: it may quote the password.
    throw new Error(`${expected}; a "%" in user and password is written %25`);
  }
}

export function storeUrl(value: string, doc: string): Key<string> {
  const parse = (text: string): string => {
    parseStoreUrl(text);
    return text;
  };
  return key({ name: 'file:<folder> | memory: | redis://…', parse, format: shownStoreUrl }, value, doc);
}
