// Reads the text of a conf.ini into entries that know their line. The `ini` package decodes each value;
// the lines are walked here because `ini` drops line numbers, lets a duplicate win and cuts values.

import { unsafe } from 'ini';

export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

export interface IniFault {
  readonly line: number;
  readonly message: string;
}

/** Every entry that can be read and every fault, duplicates within the file included. */
export function parseIni(text: string): { entries: IniEntry[]; faults: IniFault[] } {
  const entries: IniEntry[] = [];
  const faults: IniFault[] = [];
  const firstLine = new Map<string, number>();
  let section: string | undefined;

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const fault = (message: string): void => void faults.push({ line, message });
    const content = raw.trim();
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue;

    const header = /^\[([^\]]*)\]$/.exec(content);
    if (header) {
      section = header[1]?.trim();
      continue;
    }
    const equals = content.indexOf('=');
    if (equals < 1) {
      // The line itself is not shown: it may hold a secret.
      fault('neither a [section] nor key = value');
      continue;
    }
    const key = content.slice(0, equals).trim();
    const rawValue = content.slice(equals + 1).trim();
    if (section === undefined) {
      fault(`${key} stands before the first [section]`);
      continue;
    }
    if (isCut(rawValue)) {
      fault(`[${section}] ${key}: a ";" or "#" would cut the value; put the value in double quotes`);
      continue;
    }
    const name = JSON.stringify([section, key]);
    const first = firstLine.get(name);
    if (first !== undefined) {
      fault(`[${section}] ${key} stands on line ${first} already`);
      continue;
    }
    firstLine.set(name, line);
    const value = decode(rawValue);
    if (value === undefined)
      fault(`[${section}] ${key}: the quotes do not match; inside "…" write \\" for " and \\\\ for \\`);
    else entries.push({ section, key, value, line });
  }
  return { entries, faults };
}

/** A value as a conf.ini line needs it: quoted when it would not read back as itself. */
export function iniValue(text: string): string {
  const { entries } = parseIni(`[section]\nkey = ${text}`);
  return entries.length === 1 && entries[0]?.value === text ? text : JSON.stringify(text);
}

function isQuoted(rawValue: string, quote: string): boolean {
  return rawValue.length > 1 && rawValue.startsWith(quote) && rawValue.endsWith(quote);
}

function isCut(rawValue: string): boolean {
  return !isQuoted(rawValue, '"') && !isQuoted(rawValue, "'") && /^(?:[^\\;#]|\\.)*[;#]/.test(rawValue);
}

/** The value without its quotes and escapes. `ini` would make numbers and objects of what single quotes hold. */
function decode(rawValue: string): string | undefined {
  if (isQuoted(rawValue, "'"))
    return rawValue.indexOf("'", 1) < rawValue.length - 1 ? undefined : rawValue.slice(1, -1);
  const value = String(unsafe(rawValue));
  return isQuoted(rawValue, '"') && value === rawValue ? undefined : value;
}
