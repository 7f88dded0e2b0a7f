// Parses a conf.ini into entries with line numbers. Files of the replaced server keep the meaning that Python's
// configparser gives them. The package `ini` only decodes double quotes, because it drops line numbers, accepts
// duplicate keys and truncates values at ";" and "#".

import { unsafe } from 'ini';

export interface IniEntry {
  readonly section: string;
  /** In lower case, as in Python's configparser. */
  readonly key: string;
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
  /** `%%` was replaced by `%`, as in Python's configparser. */
  readonly unescapedPercent?: true;
}

export interface IniError {
  readonly line: number;
  readonly message: string;
}

/**
 * All valid entries and all errors, including duplicates within the file. What Python's configparser would read
 * differently is an error that says what to write instead.
 */
export function parseIni(text: string): { entries: IniEntry[]; errors: IniError[] } {
  const entries: IniEntry[] = [];
  const errors: IniError[] = [];
  const firstLine = new Map<string, number>();
  let section: string | undefined;
  /** The last key line; Python's configparser treats deeper indented lines as a continuation of its value. */
  let open: { readonly line: number; readonly indent: number } | undefined;

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const addError = (message: string): void => void errors.push({ line, message });
    const content = raw.trim();
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue;

    const indent = raw.search(/\S/);
    if (open && indent > open.indent) {
      // Never quote the line: it may contain a secret.
      addError(
        `indented deeper than line ${open.line}, which Python's configparser reads as a continuation of its value; ` +
          'write each value on one line, and start all keys in the same column',
      );
      continue;
    }
    open = undefined;
    const header = /^\[([^\]]*)\]\s*(?:[;#].*)?$/.exec(content);
    if (header) {
      section = header[1]?.trim();
      continue;
    }
    const delimiter = content.search(/[=:]/);
    if (delimiter < 1) {
      addError('expected [section] or key = value');
      continue;
    }
    open = { line, indent };
    const key = content.slice(0, delimiter).trim().toLowerCase();
    const rawValue = content.slice(delimiter + 1).trim();
    if (section === undefined) {
      addError(`${key} is set before the first [section]; move it into a section`);
      continue;
    }
    if (section === 'DEFAULT') {
      addError(
        `[DEFAULT] ${key}: the DEFAULT section is not supported; set the key in each section that needs it`,
      );
      continue;
    }
    const read = readValue(rawValue);
    if (typeof read === 'string') {
      addError(`[${section}] ${key}: ${read}`);
      continue;
    }
    const name = JSON.stringify([section, key]);
    const first = firstLine.get(name);
    if (first !== undefined) {
      addError(`[${section}] ${key} is already set on line ${first}; remove one of the two`);
      continue;
    }
    firstLine.set(name, line);
    entries.push({ section, key, ...read, line });
  }
  return { entries, errors };
}

/** The value as written in a conf.ini: quoted when it would otherwise not be read back unchanged. */
export function iniValue(text: string): string {
  const { entries } = parseIni(`[section]\nkey = ${text}`);
  return entries.length === 1 && entries[0]?.value === text ? text : JSON.stringify(text);
}

/** The value without quotes and escapes, or an error message, which never quotes the value. */
function readValue(rawValue: string): Pick<IniEntry, 'value' | 'unescapedPercent'> | string {
  const mismatch = 'the quotes do not match; inside "…" write " as \\" and \\ as \\\\';
  if (isQuotedBy(rawValue, "'")) {
    // `ini` would parse the content of single quotes as JSON.
    return rawValue.indexOf("'", 1) < rawValue.length - 1 ? mismatch : { value: rawValue.slice(1, -1) };
  }
  if (isQuotedBy(rawValue, '"')) {
    const value = String(unsafe(rawValue));
    return value === rawValue ? mismatch : { value };
  }
  if (/^(?:[^\\;#]|\\.)*[;#]/.test(rawValue)) {
    return 'a ";" or "#" would start a comment; put the value in double quotes';
  }
  if (/%\([^)]*\)s/.test(rawValue)) {
    return '%(name)s interpolation is not supported; write the other value here, or put this one in double quotes if it is meant literally';
  }
  const value = rawValue.replace(/\\([;#])/g, '$1');
  return value.includes('%%') ? { value: value.replaceAll('%%', '%'), unescapedPercent: true } : { value };
}

function isQuotedBy(rawValue: string, quote: string): boolean {
  return rawValue.length > 1 && rawValue.startsWith(quote) && rawValue.endsWith(quote);
}
