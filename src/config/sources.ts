// Reads the sources of settings: conf.ini files, environment variables and --set. Used by load.ts; hocon-source.ts reads
// application.conf.

import { readFileSync } from 'node:fs';
import { describeReadError, SwobError, systemErrorCode } from '../errors.ts';
import { decodeUtf8, hasReplacement, NotUtf8, utf8Remedy } from '../lib/utf8.ts';
import { secretVariables } from './environment.ts';
import { parseIni } from './ini-file.ts';
import { findLegacyKey } from './legacy-keys.ts';
import { isRsaKeyPath, resolveLegacyPath } from './legacy-paths.ts';
import { namedSettingOf } from './named-sections.ts';
import type { RawSetting } from './settings.ts';
import { suggestedKey } from './suggestion.ts';

/** What a source contains: a setting, an error or a warning. */
export type SourceItem = RawSetting | { readonly error: string } | Warning;

interface Warning {
  readonly warning: string;
  /** The setting has no effect in swob. */
  readonly ignored?: true;
}

/** An item with its line number. */
export interface LocatedItem {
  readonly line: number;
  readonly item: SourceItem;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file where no option does. */
export const configFileVariable = 'SWOB_CONFIG';

/** SWOB_ variables that are not configuration keys: the file, and secrets of commands. */
const otherVariables = new Set<string>([configFileVariable, ...secretVariables]);

/** Node has already replaced the invalid bytes, so the value is not the one that was set. */
const notUtf8 = 'the value is not valid UTF-8';

/** The items of a conf.ini. Throws CONFIG when the file cannot be read. */
export function readIniFile(file: string): SourceItem[] {
  const { entries, errors } = parseIni(readConfigFile(file));
  const found: LocatedItem[] = errors.map(({ line, message }) => ({
    line,
    item: { error: `${file}:${line}: ${message}` },
  }));
  const seen = new Map<string, number>();
  const isLegacyFile = entries.some(({ section, key }) => findLegacyKey(section, key) !== undefined);
  for (const { section, key, value, line, unescapedPercent } of entries) {
    const add = (item: SourceItem): void => void found.push({ line, item });
    const origin = `${file}:${line}`;
    const legacy = findLegacyKey(section, key);
    if (legacy) {
      const warning = `${origin}: [${section}] ${key}: ${legacy.warning}`;
      add(legacy.to === undefined ? { warning, ignored: true } : { warning });
    }
    if (unescapedPercent) {
      add({
        warning: `${origin}: [${section}] ${key}: each %% is read as one %, as by the replaced server; put the value in double quotes to keep both`,
      });
    }
    if (legacy && (legacy.to === undefined || value === '')) continue;
    const name = legacy?.to ?? `${section}.${key}`;
    const first = seen.get(name);
    if (first !== undefined)
      add({ error: `${origin}: ${name} is already set on line ${first}; remove one of the two` });
    seen.set(name, line);
    if (isLegacyFile && isRsaKeyPath(name) && value !== '') {
      const path = resolveLegacyPath(file, value);
      if (path !== value)
        add({ warning: `${origin}: [${section}] ${key}: read as ${path}, as by the replaced server` });
      add({ name, text: path, origin });
    } else add({ name, text: legacy?.convert?.(value) ?? value, origin });
  }
  return inFileOrder(found);
}

/** The items of one file, sorted by line. */
export function inFileOrder(found: readonly LocatedItem[]): SourceItem[] {
  return [...found].sort((a, b) => a.line - b.line).map(({ item }) => item);
}

/** Variables of the replaced disconnect service, and the keys that they set. */
const legacyVariables = {
  PORT: 'disconnect.port',
  LOG_LEVEL: 'logging.level',
  GELF_LEVEL: 'logging.gelf_level',
  GELF_HOST: 'logging.gelf_host',
  GELF_PORT: 'logging.gelf_port',
} as const;

/** The settings of these variables, where they are not empty. */
export function legacyItems(env: Environment, originOf: (variable: string) => string): RawSetting[] {
  return Object.entries(legacyVariables).flatMap(([variable, name]) => {
    const text = env[variable];
    return text ? [{ name, text, origin: originOf(variable) }] : [];
  });
}

/** SWOB_* variables of all keys, after the legacy variables, which they override. */
export function readEnvironment(env: Environment, names: Iterable<string>): SourceItem[] {
  const items: SourceItem[] = legacyItems(env, (variable) => `environment ${variable}`);
  const nameOf = new Map([...names].map((name) => [variableName(name), name]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('SWOB_') || otherVariables.has(variable) || text === undefined) continue;
    const name = nameOf.get(variable) ?? namedSettingOf(variable);
    const origin = `environment ${variable}`;
    if (name === undefined)
      items.push({ error: `${origin}: unknown key${suggestion(variable, nameOf.values())}` });
    else if (hasReplacement(text)) items.push({ error: `${origin}: ${notUtf8}` });
    else items.push({ name, text, origin });
  }
  return items;
}

/** `(did you mean …?)` for a misspelled variable, else empty. */
function suggestion(variable: string, names: Iterable<string>): string {
  const meant = suggestedKey(variable.replace(/^SWOB_/, '').replace('_', '.'), [...names]);
  return meant === undefined ? '' : ` (did you mean ${variableName(meant)}?)`;
}

/** `section.key=value`, from --set. */
export function readSetOptions(setOptions: readonly string[]): SourceItem[] {
  return setOptions.map((option) => {
    const equals = option.indexOf('=');
    if (equals < 1) return { error: '--set: expected section.key=value, such as api.port=7000' };
    const text = option.slice(equals + 1).trim();
    if (hasReplacement(text)) return { error: `--set ${option.slice(0, equals).trim()}: ${notUtf8}` };
    return { name: option.slice(0, equals).trim(), text, origin: '--set' };
  });
}

/** The content of a file. Throws CONFIG when it cannot be read or is not UTF-8. */
export function readConfigFile(file: string): string {
  try {
    return decodeConfigFile(file);
  } catch (error) {
    const message =
      error instanceof NotUtf8
        ? `the configuration has 1 error:\n  ${file}:${error.line}: not UTF-8; ${utf8Remedy}`
        : `cannot read the configuration file ${file}: ${describeReadError(error)}${accessAdvice(error)}`;
    throw new SwobError('CONFIG', message, { cause: error });
  }
}

function accessAdvice(error: unknown): string {
  return systemErrorCode(error) === 'EACCES'
    ? '; run the command as a user who may read it, or name another file with -c (/dev/null: the defaults)'
    : '';
}

/** The content of a file. Throws NotUtf8, or an error of the system. */
export function decodeConfigFile(file: string): string {
  return decodeUtf8(readFileSync(file));
}

/** The variable of a key: SWOB_API_PORT for `api.port`, SWOB_PCRF_POOL_MAX for `pcrf.pool.max`. */
export function variableName(name: string): string {
  return `SWOB_${name.replaceAll(/[. ]/g, '_').replaceAll(/[<>]/g, '').toUpperCase()}`;
}
