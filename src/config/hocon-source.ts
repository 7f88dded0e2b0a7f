// Reads the application.conf of the old disconnect service (HOCON) as it is, under our names. Used by load.ts.

import { parseHocon } from './hocon.ts';
import { HoconError, type HoconObject, type HoconScalar, type HoconValue } from './hocon-nodes.ts';
import { type Environment, type Finding, inFileOrder, type Located, readConfigFile } from './sources.ts';

interface Known {
  readonly to: string;
  readonly convert: (value: HoconScalar) => string;
}

const asText = (value: HoconScalar): string => value.text;

/** HOCON has more names for its units than a conf.ini, and counts milliseconds where no unit stands. */
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

const known = new Map<string, Known>([
  ['pcrf.host', { to: 'pcrf.host', convert: asText }],
  ['pcrf.port', { to: 'pcrf.port', convert: asText }],
  ['pcrf.timeout', { to: 'pcrf.timeout', convert: asDuration }],
  ['pcrf.pool.min', { to: 'pcrf.pool.min', convert: asText }],
  ['pcrf.pool.max', { to: 'pcrf.pool.max', convert: asText }],
  ['pcrf.pool.waitTimeout', { to: 'pcrf.pool.wait_timeout', convert: asDuration }],
  ['validation.public_key', { to: 'validation.public_key', convert: asText }],
  ['validation.publicKey', { to: 'validation.public_key', convert: asText }],
]);

/** Blocks that hold known keys. */
const blocks = new Set(['pcrf', 'pcrf.pool', 'validation']);

/** Such files hold settings of libraries too; more of them than this are only counted. */
const maxNotes = 50;

/** What the file says; keys of other programs are notes. Throws CONFIG when it cannot be read. */
export function fromHocon(file: string, env: Environment): Finding[] {
  const text = readConfigFile(file);
  let root: HoconObject;
  try {
    root = parseHocon(text, env);
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    return [{ fault: `${file}:${error.line}: ${error.message}` }];
  }
  const found: Located[] = [];
  const unknown: string[] = [];
  const seen = new Map<string, number>();

  const visit = (path: string, value: HoconValue): void => {
    const origin = `${file}:${value.line}`;
    const add = (finding: Finding): void => void found.push({ line: value.line, finding });
    const target = known.get(path);
    if (value.kind === 'scalar' && value.value === null) return;
    if (target && value.kind === 'scalar') {
      const { to, convert } = target;
      const first = seen.get(to);
      if (first !== undefined) add({ fault: `${origin}: ${path} stands on line ${first} already` });
      seen.set(to, value.line);
      add({ name: to, text: convert(value), origin });
    } else if (target) {
      add({ fault: `${origin}: ${path}: expected a single value` });
    } else if (blocks.has(path) && value.kind === 'object') {
      for (const [key, inner] of value.fields) visit(`${path}.${shown(key)}`, inner);
    } else if (blocks.has(path)) {
      add({ fault: `${origin}: ${path}: expected a block, { … }` });
    } else {
      unknown.push(`${origin}: ${path}: no setting of swob, left alone`);
    }
  };

  for (const [key, value] of root.fields) visit(shown(key), value);
  const notes = unknown.slice(0, maxNotes).map((note) => ({ note }));
  if (unknown.length > maxNotes) {
    notes.push({ note: `${file}: ${unknown.length - maxNotes} more keys are no settings of swob` });
  }
  return [...inFileOrder(found), ...notes];
}

/** A key as a path shows it: one that holds a dot is not taken for two. */
function shown(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}
