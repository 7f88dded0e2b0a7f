// Turns the configuration files of the replaced services in a folder into one conf.ini. Used by `swob config import`.

import { type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describeReadError, SwobError } from '../../errors.ts';
import { printable } from '../../lib/printable.ts';
import { crossFieldErrors } from '../cross-field.ts';
import { readHoconFile } from '../hocon-source.ts';
import { iniValue } from '../ini-file.ts';
import { isRsaKeyPath } from '../legacy-paths.ts';
import { applySetting, defaultSettings, type RawSetting, type Setting, toConfig } from '../settings.ts';
import { type Environment, readConfigFile, readIniFile, type SourceItem } from '../sources.ts';
import { configWarnings } from '../warnings.ts';
import { translateLog4j2 } from './log4j2.ts';
import { translateVariables } from './variables.ts';

/** Something of an old file that has no counterpart. */
export interface Untranslated {
  /** `log4j2.xml:12` */
  readonly origin: string;
  readonly what: string;
  readonly reason: string;
}

export interface ImportedConfig {
  /** The conf.ini. */
  readonly text: string;
  readonly settings: readonly Setting[];
  /** The files that were found and read. */
  readonly files: readonly string[];
  /** `origin: what: why`. */
  readonly untranslated: readonly string[];
  /** What was translated, but needs attention. */
  readonly notes: readonly string[];
  /** Why the conf.ini does not load yet, such as an address that production needs. */
  readonly errors: readonly string[];
}

/** Of the old gateway: its API and its sync websocket had a file each, called config.ini before 2022. */
const iniNames = ['', 'confs', 'gateway_server/confs', 'gateway_server'].flatMap((folder) =>
  ['conf.ini', 'config.ini'].map((name) => join(folder, name)),
);

/** The files of the folder that `importConfig` reads, for messages. */
export const importedNames = [
  'application.conf',
  'log4j2.xml',
  'conf.ini',
  'confs/conf.ini',
  'gateway_server/confs/conf.ini',
] as const;

/**
 * Empty `files` when the folder has none of them. Faults of the files, such as a syntax error, are in `faults`, and nothing is
 * translated then. Throws CONFIG when a file cannot be read.
 */
export function importConfig(
  folder: string,
  env: Environment = process.env,
): ImportedConfig | { readonly faults: readonly string[] } {
  const found = findFiles(folder);
  const variables =
    found.variables === undefined
      ? undefined
      : translateVariables(found.variables, readConfigFile(found.variables));
  const { env: recorded, used } = recordUse({ ...env, ...variables?.env });
  const log4j2 =
    found.log4j2 === undefined
      ? undefined
      : translateLog4j2(found.log4j2, readConfigFile(found.log4j2), recorded);
  const items: SourceItem[] = [
    ...found.ini.flatMap((file) => readIniFile(file).map(withAbsoluteKeyPath)),
    ...(found.hocon === undefined ? [] : readHoconFile(found.hocon, recorded)),
  ];
  const lenient = [...(log4j2?.settings ?? []), ...(variables?.settings ?? [])];
  const faults = items.flatMap((item) => ('error' in item ? [item.error] : []));
  if (log4j2?.error !== undefined) faults.push(log4j2.error);

  const settings = defaultSettings();
  const untranslated = items.flatMap((item) => ('ignored' in item ? [item.warning] : []));
  const notes: string[] = [];
  for (const item of items) {
    if (!('name' in item)) continue;
    if (!settings.has(item.name)) untranslated.push(`${item.origin}: ${item.name}: not a setting of swob`);
    else {
      const fault = apply(settings, item, notes);
      if (fault !== undefined) faults.push(fault);
    }
  }
  for (const item of lenient) {
    const fault = apply(settings, item, notes);
    if (fault !== undefined) untranslated.push(fault);
  }
  if (faults.length > 0) return { faults };
  for (const { origin, what, reason } of [
    ...(log4j2?.untranslated ?? []),
    ...(variables?.untranslated ?? []),
  ])
    untranslated.push(`${origin}: ${what}: ${reason}`);
  const own = Object.keys(variables?.env ?? {});
  for (const name of used) {
    if (!own.includes(name))
      notes.push(`the variable ${name} of this shell was used; the file has its present value`);
  }
  const chosen = [...settings.values()].filter(({ origin }) => origin !== 'default');
  notes.push(...chosen.filter(isRelativePath).map(relativeNote));
  const config = toConfig(settings.values());
  const errors = crossFieldErrors(config);
  if (errors.length === 0) notes.push(...configWarnings(config));
  const files = [...found.ini, ...[found.hocon, found.log4j2, found.variables].flatMap((file) => file ?? [])];
  return { text: textOf(folder, files, chosen), settings: chosen, files, untranslated, notes, errors };
}

interface FoundFiles {
  readonly ini: readonly string[];
  readonly hocon: string | undefined;
  readonly log4j2: string | undefined;
  readonly variables: string | undefined;
}

function findFiles(folder: string): FoundFiles {
  const present = (path: string): string[] => (statsOf(path) ? [path] : []);
  // /etc/default has a file with the name of the service's folder in /etc; a copy may be in the folder itself.
  const service = basename(resolve(folder));
  const variables = [
    ...present(join(dirname(resolve(folder)), 'default', service)),
    ...['default', service].flatMap((name) => present(join(folder, name))),
  ].find((path) => statsOf(path)?.isFile());
  return {
    ini: iniNames.flatMap((name) => present(join(folder, name))),
    hocon: present(join(folder, 'application.conf'))[0],
    log4j2: present(join(folder, 'log4j2.xml'))[0],
    variables,
  };
}

/** Undefined when there is nothing. Throws CONFIG when the system does not say, such as below a folder of another user. */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new SwobError('CONFIG', `cannot read ${path}: ${describeReadError(error)}`, { cause: error });
  }
}

/** Applies a setting; a note names a value that it overrides. */
function apply(settings: Map<string, Setting>, item: RawSetting, notes: string[]): string | undefined {
  const setting = settings.get(item.name);
  const before = setting && { ...setting };
  if (item.text === '') return undefined;
  const fault = applySetting(settings, item);
  if (fault !== undefined || !setting || !before || before.origin === 'default') return fault;
  const { format } = setting.definition.type;
  if (format(before.value) !== format(setting.value))
    notes.push(`[${setting.section}] ${setting.key}: ${item.origin} overrides ${before.origin}`);
  return undefined;
}

/** The old gateway's key paths were relative to its own folder, which the new file is not in. */
function withAbsoluteKeyPath(item: SourceItem): SourceItem {
  return 'name' in item && isRsaKeyPath(item.name) && item.text !== ''
    ? { ...item, text: resolve(item.text) }
    : item;
}

/** Which variables a substitution has used. */
function recordUse(env: Environment): { readonly env: Environment; readonly used: ReadonlySet<string> } {
  const used = new Set<string>();
  const get = (target: Environment, name: string | symbol): string | undefined => {
    if (typeof name === 'symbol') return undefined;
    used.add(name);
    return target[name];
  };
  return { env: new Proxy(env, { get }), used };
}

const pathKeys = /^(?:crt|key|pem|public_key|secret_file|operators_file|base_dir)$/;

function isRelativePath({ key, value }: Setting): boolean {
  return pathKeys.test(key) && typeof value === 'string' && value !== '' && !value.startsWith('/');
}

const relativeNote = ({ section, key }: Setting): string =>
  `[${section}] ${key} is a relative path: swob looks for it in the folder in which it is started`;

function textOf(folder: string, files: readonly string[], settings: readonly Setting[]): string {
  const lines = [
    `; Written by \`swob config import ${printable(folder)}\` from`,
    ...files.map((file) => `;   ${printable(file)}`),
    '; `swob config check` reports errors in this file, and `swob help configuration` explains each key.',
  ];
  let section: string | undefined;
  for (const setting of settings) {
    if (setting.section !== section) lines.push('', `[${setting.section}]`);
    section = setting.section;
    lines.push(`; ${printable(setting.origin)}`);
    lines.push(`${setting.key} = ${iniValue(setting.definition.type.format(setting.value))}`);
  }
  return `${lines.join('\n')}\n`;
}
