// The kinds of value that a configuration key can have: how each is read from text and written back.
// Used by the table in schema.ts, with address-kinds.ts and store-url.ts; every parser throws a short reason
// that names no secret.

import type { RateLimit } from '../domain/model.ts';

export interface Kind<T> {
  /** What the value looks like, for the example file: `port`, `duration`... */
  readonly name: string;
  /** Throws an Error whose message says what is expected. */
  parse(text: string): T;
  format(value: T): string;
}

/** A key of the table: its kind, its default, and a line that explains it. */
export interface Key<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly doc: string;
  /** Never shown, not even by `config show`. */
  readonly secret: boolean;
}

type Options = { secret?: boolean };

/** A key of the table. */
export function key<T>(kind: Kind<T>, value: T, doc: string, options: Options = {}): Key<T> {
  return { kind, default: value, doc, secret: options.secret ?? false };
}

const textKind: Kind<string> = { name: 'text', parse: (text) => text, format: (value) => value };

export const text = (value: string, doc: string, options?: Options): Key<string> =>
  key(textKind, value, doc, options);

const flags = new Map([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);

const flagKind: Kind<boolean> = {
  name: 'true | false',
  parse: (text) => {
    const value = flags.get(text.toLowerCase());
    if (value === undefined) throw new Error('expected true, false, yes, no, on or off');
    return value;
  },
  format: String,
};

export const flag = (value: boolean, doc: string): Key<boolean> => key(flagKind, value, doc);

/** A whole number within bounds, both included. */
export function integer(value: number, [min, max]: readonly [number, number], doc: string): Key<number> {
  const parse = (text: string): number => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) {
      throw new Error(`expected a whole number from ${min} to ${max}`);
    }
    return number;
  };
  return key({ name: `${min} to ${max}`, parse, format: String }, value, doc);
}

/** A TCP or UDP port; 0 asks the system for a free one. */
export const port = (value: number, doc: string): Key<number> => integer(value, [0, 65_535], doc);

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Whole milliseconds from `10s`, `5m`, `1.5h`, `250ms`, or a bare number of seconds with or without a fraction. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text);
  if (!match) throw new Error('expected a duration such as 10s, 5m or a number of seconds');
  // Sound: the pattern lets no other unit through. Rounded, because 0.07 * 1000 is 70.00000000000001.
  return Math.round(Number(match[1]) * unitMs[(match[2] ?? 's') as keyof typeof unitMs]);
}

/** The shortest text that `parseDuration` reads back as the same number of milliseconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** A duration in milliseconds within bounds, both included. */
export function duration(value: string, [min, max]: readonly [string, string], doc: string): Key<number> {
  const parse = (text: string): number => {
    const ms = parseDuration(text);
    if (ms < parseDuration(min) || ms > parseDuration(max)) {
      throw new Error(`expected a duration from ${min} to ${max}`);
    }
    return ms;
  };
  return key(
    { name: `duration, ${min} to ${max}`, parse, format: formatDuration },
    parseDuration(value),
    doc,
  );
}

const shareKind: Kind<number> = {
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

/** A share of something, 0.01 to 1; 0 is off. */
export const share = (value: string, doc: string): Key<number> => key(shareKind, shareKind.parse(value), doc);

const unitBytes = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 } as const;

/** Whole bytes from `20 MB`, `500KB`, `1.5 GB` or a bare number; the units are powers of 1,024, as in log4j2. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)?$/i.exec(text);
  if (!match) throw new Error('expected a size such as 20 MB, 500 KB or a number of bytes');
  // Sound: the pattern lets no other unit through.
  return Math.round(Number(match[1]) * unitBytes[(match[2] ?? 'B').toUpperCase() as keyof typeof unitBytes]);
}

/** The shortest text that `parseSize` reads back as the same number of bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['GB', 'MB', 'KB'] as const) {
    if (bytes !== 0 && bytes % unitBytes[unit] === 0) return `${bytes / unitBytes[unit]} ${unit}`;
  }
  return `${bytes} B`;
}

/** A size in bytes within bounds, both included. */
export function size(value: string, [min, max]: readonly [string, string], doc: string): Key<number> {
  const parse = (text: string): number => {
    const bytes = parseSize(text);
    if (bytes < parseSize(min) || bytes > parseSize(max))
      throw new Error(`expected a size from ${min} to ${max}`);
    return bytes;
  };
  return key({ name: `size, ${min} to ${max}`, parse, format: formatSize }, parseSize(value), doc);
}

export function oneOf<const T extends string>(values: readonly T[], value: T, doc: string): Key<T> {
  const parse = (text: string): T => {
    const found = values.find((candidate) => candidate === text);
    if (found === undefined) throw new Error(`expected one of: ${values.join(', ')}`);
    return found;
  };
  return key({ name: values.join(' | '), parse, format: (v) => v }, value, doc);
}

const items = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Items separated by commas, each of which `check` throws at when it does not fit. Commas alone are no empty list. */
export function listOf(name: string, check: (item: string) => void): Kind<readonly string[]> {
  const parse = (text: string): readonly string[] => {
    const found = items(text);
    if (found.length === 0 && text !== '') throw new Error(`expected ${name}`);
    for (const item of found) check(item);
    return found;
  };
  return { name, parse, format: (value) => value.join(', ') };
}

/** At least one of the values, each once. */
export function someOf<const T extends string>(
  values: readonly T[],
  value: readonly T[],
  doc: string,
): Key<readonly T[]> {
  const expected = `expected some of: ${values.join(', ')}`;
  const parse = (text: string): T[] => {
    const named = new Set(items(text));
    const found = values.filter((candidate) => named.has(candidate));
    if (found.length === 0 || found.length < named.size) throw new Error(expected);
    return found;
  };
  const name = `some of ${values.join(', ')}`;
  return key({ name, parse, format: (v) => v.join(', ') }, value, doc);
}

/** Counters are kept this long at most; well below what a timer can hold (24.8 days). */
const maxWindowMs = 7 * unitMs.d;

const limitKind: Kind<RateLimit> = {
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

export const limit = (value: string, doc: string): Key<RateLimit> =>
  key(limitKind, limitKind.parse(value), doc);

/** An absolute URL with one of the given schemes, or empty when `optional`; `%s` may stand in the path. */
export function url(
  value: string,
  schemes: readonly string[],
  doc: string,
  options: Options & { placeholder?: boolean; optional?: boolean } = {},
): Key<string> {
  const parse = (text: string): string => {
    if (text === '' && options.optional) return text;
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) {
      throw new Error(`expected a URL that begins with ${schemes.map((s) => `${s}:`).join(' or ')}`);
    }
    if (options.placeholder && text.split('%s').length !== 2) {
      throw new Error('expected a URL with %s once, in place of the user id');
    }
    return text;
  };
  return key({ name: `URL (${schemes.join(', ')})`, parse, format: (v) => v }, value, doc, options);
}
