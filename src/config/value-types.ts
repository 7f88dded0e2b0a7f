// The value types of configuration keys: how each is parsed and formatted. Used by the table in schema.ts, together with
// address-types.ts and store-url.ts. Parsers throw an Error that says what is expected and never quotes the value.

import type { RateLimit } from '../domain/shared/model.ts';

export interface ValueType<T> {
  /** The form of the value, for the example file and the documentation: `true | false`, `0 to 65535`. */
  readonly name: string;
  /** Throws an Error that says what is expected. */
  parse(text: string): T;
  /** The text that `parse` parses to the same value. */
  format(value: T): string;
  /** That text without what may be secret in it, for values that contain credentials. */
  redact?(text: string): string;
}

/** A key of the table: its value type, default and one line of documentation. */
export interface KeyDefinition<T> {
  readonly type: ValueType<T>;
  readonly default: T;
  readonly doc: string;
  /** Redacted in all output, `config show` included. */
  readonly secret: boolean;
}

type KeyOptions = { secret?: boolean };

export function defineKey<T>(
  kind: ValueType<T>,
  value: T,
  doc: string,
  options: KeyOptions = {},
): KeyDefinition<T> {
  return { type: kind, default: value, doc, secret: options.secret ?? false };
}

const textType: ValueType<string> = { name: 'text', parse: (text) => text, format: (value) => value };

export const text = (value: string, doc: string, options?: KeyOptions): KeyDefinition<string> =>
  defineKey(textType, value, doc, options);

const booleanWords = new Map([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);

const flagType: ValueType<boolean> = {
  name: 'true | false',
  parse: (text) => {
    const value = booleanWords.get(text.toLowerCase());
    if (value === undefined) throw new Error('expected true, false, yes, no, on or off');
    return value;
  },
  format: String,
};

export const flag = (value: boolean, doc: string): KeyDefinition<boolean> => defineKey(flagType, value, doc);

/** A whole number within inclusive bounds. */
export function integer(
  value: number,
  [min, max]: readonly [number, number],
  doc: string,
): KeyDefinition<number> {
  const parse = (text: string): number => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) {
      throw new Error(`expected a whole number from ${min} to ${max}`);
    }
    return number;
  };
  return defineKey({ name: `${min} to ${max}`, parse, format: String }, value, doc);
}

/** A TCP port; 0 lets the operating system choose a free one. */
export const port = (value: number, doc: string): KeyDefinition<number> => integer(value, [0, 65_535], doc);

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Whole milliseconds from `10s`, `5m`, `1.5h`, `250ms` or a plain number of seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text);
  if (!match) throw new Error('expected a duration such as 10s, 5m or a number of seconds');
  // Safe cast: the pattern matches no other unit. Rounded, because 0.07 * 1000 is 70.00000000000001.
  return Math.round(Number(match[1]) * unitMs[(match[2] ?? 's') as keyof typeof unitMs]);
}

/** The shortest text that `parseDuration` parses to the same number of milliseconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** A duration in milliseconds within inclusive bounds. */
export function duration(
  value: string,
  [min, max]: readonly [string, string],
  doc: string,
): KeyDefinition<number> {
  const parse = (text: string): number => {
    const ms = parseDuration(text);
    if (ms < parseDuration(min) || ms > parseDuration(max)) {
      throw new Error(`expected a duration from ${min} to ${max}`);
    }
    return ms;
  };
  return defineKey(
    { name: `duration, ${min} to ${max}`, parse, format: formatDuration },
    parseDuration(value),
    doc,
  );
}

const shareType: ValueType<number> = {
  name: '1% to 100% | off',
  parse: (text) => {
    if (text === 'off') return 0;
    const [, percent] = /^(\d{1,3})\s*%$/.exec(text) ?? [];
    if (percent === undefined || Number(percent) < 1 || Number(percent) > 100) {
      throw new Error('expected a percentage from 1% to 100%, or off');
    }
    return Number(percent) / 100;
  },
  format: (value) => (value === 0 ? 'off' : `${Math.round(value * 100)}%`),
};

/** A share from 0.01 to 1; 0 means off. */
export const share = (value: string, doc: string): KeyDefinition<number> =>
  defineKey(shareType, shareType.parse(value), doc);

const unitBytes = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 } as const;

/** Whole bytes from `20 MB`, `500KB`, `1.5 GB` or a plain number; units are powers of 1,024, as in log4j2. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)?$/i.exec(text);
  if (!match) throw new Error('expected a size such as 20 MB, 500 KB or a number of bytes');
  // Safe cast: the pattern matches no other unit.
  return Math.round(Number(match[1]) * unitBytes[(match[2] ?? 'B').toUpperCase() as keyof typeof unitBytes]);
}

/** The shortest text that `parseSize` parses to the same number of bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['GB', 'MB', 'KB'] as const) {
    if (bytes !== 0 && bytes % unitBytes[unit] === 0) return `${bytes / unitBytes[unit]} ${unit}`;
  }
  return `${bytes} B`;
}

/** A size in bytes within inclusive bounds. */
export function size(
  value: string,
  [min, max]: readonly [string, string],
  doc: string,
): KeyDefinition<number> {
  const parse = (text: string): number => {
    const bytes = parseSize(text);
    if (bytes < parseSize(min) || bytes > parseSize(max))
      throw new Error(`expected a size from ${min} to ${max}`);
    return bytes;
  };
  return defineKey({ name: `size, ${min} to ${max}`, parse, format: formatSize }, parseSize(value), doc);
}

export function oneOf<const T extends string>(values: readonly T[], value: T, doc: string): KeyDefinition<T> {
  const parse = (text: string): T => {
    const found = values.find((candidate) => candidate === text);
    if (found === undefined) throw new Error(`expected one of: ${values.join(', ')}`);
    return found;
  };
  return defineKey({ name: values.join(' | '), parse, format: (v) => v }, value, doc);
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Comma-separated items; `check` throws for an invalid item. Text of commas alone is an error, not an empty list. */
export function listType(name: string, check: (item: string) => void): ValueType<readonly string[]> {
  const parse = (text: string): readonly string[] => {
    const found = splitList(text);
    if (found.length === 0 && text !== '') throw new Error(`expected ${name}`);
    for (const item of found) check(item);
    return found;
  };
  return { name, parse, format: (value) => value.join(', ') };
}

/** A subset of the values; an empty one only where that is the default. */
export function someOf<const T extends string>(
  values: readonly T[],
  value: readonly T[],
  doc: string,
): KeyDefinition<readonly T[]> {
  const expected = `expected one or more of: ${values.join(', ')}`;
  const parse = (text: string): T[] => {
    const named = new Set(splitList(text));
    const found = values.filter((candidate) => named.has(candidate));
    const isUnusable = found.length === 0 && (value.length > 0 || text.trim() !== '');
    if (isUnusable || found.length < named.size) throw new Error(expected);
    return found;
  };
  const name = `one or more of ${values.join(', ')}`;
  return defineKey({ name, parse, format: (v) => v.join(', ') }, value, doc);
}

/** Well below the longest timeout of a Node timer (24.8 days). */
const maxWindowMs = 7 * unitMs.d;

const rateLimitType: ValueType<RateLimit> = {
  name: 'N/duration | off',
  parse: (text) => {
    if (text === 'off') return 'off';
    const [count, window, ...rest] = text.split('/');
    if (!/^[1-9]\d{0,8}$/.test(count ?? '') || window === undefined || rest.length > 0) {
      throw new Error('expected N/duration such as 60/1m, or off');
    }
    const windowMs = parseDuration(window);
    if (windowMs < 1 || windowMs > maxWindowMs) throw new Error('expected a window from 1ms to 7d');
    return { count: Number(count), windowMs };
  },
  format: (value) => (value === 'off' ? 'off' : `${value.count}/${formatDuration(value.windowMs)}`),
};

export const limit = (value: string, doc: string): KeyDefinition<RateLimit> =>
  defineKey(rateLimitType, rateLimitType.parse(value), doc);

/**
 * An absolute URL with one of the schemes; may be empty if `optional`, must contain `%s` once if `placeholder`, and no
 * user or password unless `credentials`.
 */
export function url(
  value: string,
  schemes: readonly string[],
  doc: string,
  options: KeyOptions & { placeholder?: boolean; optional?: boolean; credentials?: boolean } = {},
): KeyDefinition<string> {
  const parse = (text: string): string => {
    if (text === '' && options.optional) return text;
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) {
      throw new Error(`expected a URL that starts with ${schemes.map((s) => `${s}:`).join(' or ')}`);
    }
    if (options.credentials === false && (parsed.username !== '' || parsed.password !== ''))
      throw new Error('expected a URL without user and password');
    if (options.placeholder && text.split('%s').length !== 2) {
      throw new Error('expected a URL that contains %s once, as the placeholder of the user id');
    }
    return text;
  };
  const name = `URL (${schemes.join(', ')})`;
  return defineKey({ name, parse, format: (v) => v, redact: redactUrl }, value, doc, options);
}

/** The URL without user, password and query. Edits the text, because parsing the URL would encode %s. */
function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:[\\/]*)[^\\/?#]*@/i, '$1***@').replace(/[?#].*$/s, '?***');
}
