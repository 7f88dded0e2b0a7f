// Reads the application.conf (HOCON) of the replaced disconnect service and maps its keys to ours. Used by load.ts.

import { parseHocon } from './hocon.ts';
import { createHoconFiles, type HoconFiles } from './hocon-files.ts';
import { HoconError, type HoconObject, type HoconScalar, type HoconValue } from './hocon-nodes.ts';
import {
  decodeConfigFile,
  type Environment,
  inFileOrder,
  type LocatedItem,
  readConfigFile,
  type SourceItem,
} from './sources.ts';

interface KnownKey {
  readonly to: string;
  readonly convert: (value: HoconScalar) => string;
}

const asText = (value: HoconScalar): string => value.text;

/** HOCON's unit names; a number without a unit is in milliseconds. */
const units: Record<string, string> = {
  '': 'ms',
  milli: 'ms',
  millis: 'ms',
  millisecond: 'ms',
  milliseconds: 'ms',
  second: 's',
  seconds: 's',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  day: 'd',
  days: 'd',
};

const asDuration = ({ text }: HoconScalar): string => {
  const match = /^([\d.]+)\s*([a-z]*)$/.exec(text.trim());
  if (!match) return text;
  const [, count = '', unit = ''] = match;
  return `${count}${Object.hasOwn(units, unit) ? units[unit] : unit}`;
};

const knownKeys = new Map<string, KnownKey>([
  ['pcrf.host', { to: 'pcrf.host', convert: asText }],
  ['pcrf.port', { to: 'pcrf.port', convert: asText }],
  ['pcrf.timeout', { to: 'pcrf.timeout', convert: asDuration }],
  ['pcrf.pool.min', { to: 'pcrf.pool.min', convert: asText }],
  ['pcrf.pool.max', { to: 'pcrf.pool.max', convert: asText }],
  ['pcrf.pool.waitTimeout', { to: 'pcrf.pool.wait_timeout', convert: asDuration }],
  ['validation.public_key', { to: 'validation.public_key', convert: asText }],
  ['validation.publicKey', { to: 'validation.public_key', convert: asText }],
]);

/** Objects that contain known keys. */
const knownBlocks = new Set(['pcrf', 'pcrf.pool', 'validation']);

/** Further unknown keys, such as settings of libraries, are only counted. */
const maxUnknownKeyWarnings = 50;

/** The items of the file and of those that it includes; unknown keys are warnings. Throws CONFIG when the file cannot be read. */
export function readHoconFile(file: string, env: Environment): SourceItem[] {
  const text = readConfigFile(file);
  const files = createHoconFiles(file, text, decodeConfigFile);
  const originOf = (line: number): string => {
    const place = files.locate(line);
    return `${place.file}:${place.line}`;
  };
  let root: HoconObject;
  try {
    root = parseHocon(text, env, files.include);
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    return [{ error: `${originOf(error.line)}: ${error.message}` }];
  }
  const found: LocatedItem[] = [];
  const unknown: string[] = [];
  const seen = new Map<string, number>();
  for (const { line, name } of files.missing) {
    const warning = `${originOf(line)}: ${JSON.stringify(name)} does not exist and is left out; include required(…) makes that an error`;
    found.push({ line, item: { warning, ignored: true } });
  }

  const visit = (path: string, value: HoconValue): void => {
    const origin = originOf(value.line);
    const add = (item: SourceItem): void => void found.push({ line: value.line, item });
    const target = knownKeys.get(path);
    if (value.kind === 'scalar' && value.value === null) return;
    if (target && value.kind === 'scalar') {
      const { to, convert } = target;
      const first = seen.get(to);
      if (first !== undefined)
        add({
          error: `${origin}: ${path} is already set ${placeOf(first, value.line, files)}; remove one of the two`,
        });
      seen.set(to, value.line);
      add({ name: to, text: convert(value), origin });
    } else if (target) {
      add({ error: `${origin}: ${path}: expected a single value` });
    } else if (knownBlocks.has(path) && value.kind === 'object') {
      for (const [key, inner] of value.fields) visit(`${path}.${quoteKey(key)}`, inner);
    } else if (knownBlocks.has(path)) {
      add({ error: `${origin}: ${path}: expected a block, { … }` });
    } else {
      unknown.push(`${origin}: ${path}: not a setting of swob, ignored`);
    }
  };

  for (const [key, value] of root.fields) visit(quoteKey(key), value);
  const warnings: SourceItem[] = unknown
    .slice(0, maxUnknownKeyWarnings)
    .map((warning) => ({ warning, ignored: true }));
  if (unknown.length > maxUnknownKeyWarnings) {
    warnings.push({
      warning: `${file}: ${unknown.length - maxUnknownKeyWarnings} more keys are not settings of swob`,
      ignored: true,
    });
  }
  return [...inFileOrder(found), ...warnings];
}

/** `on line 2`, or `in pcrf.conf:2` when that is another file than the one of `from`. */
function placeOf(line: number, from: number, { locate }: HoconFiles): string {
  const place = locate(line);
  return place.file === locate(from).file ? `on line ${place.line}` : `in ${place.file}:${place.line}`;
}

/** Quotes a key that contains a dot or other special characters, as in a path. */
function quoteKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}
