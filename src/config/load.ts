// Loads and validates the configuration: defaults < conf.ini < application.conf < legacy variables such as PORT <
// SWOB_* < --set. All errors are reported together.

import { statSync } from 'node:fs';
import { SwobError, systemErrorCode } from '../errors.ts';
import { crossFieldErrors } from './cross-field.ts';
import { readHoconFile } from './hocon-source.ts';
import type { Config } from './schema.ts';
import { addCheck, applySetting, defaultSettings, type Setting, toConfig } from './settings.ts';
import {
  configFileVariable,
  type Environment,
  readEnvironment,
  readIniFile,
  readSetOptions,
  type SourceItem,
} from './sources.ts';
import { configWarnings } from './warnings.ts';

export type { Setting } from './settings.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly settings: readonly Setting[];
  /** Renamed and ignored legacy keys, and settings that are probably mistakes. */
  readonly warnings: readonly string[];
}

export interface ConfigSources {
  /** Later files override earlier ones; empty: that of SWOB_CONFIG, else the first of `defaultFiles` that exists. */
  readonly files?: readonly string[];
  /** An application.conf, from --hocon; overrides `[disconnect] hocon`. */
  readonly hocon?: string;
  /** `section.key=value`, from --set. */
  readonly setOptions?: readonly string[];
  readonly env?: Environment;
}

/** What the kinds of stores require of [store]. */
export interface StoreRules {
  /** Throws an Error that names the expected form of `url` and quotes nothing of it. */
  checkUrl(url: string): void;
  /** One message per invalid combination, naming the keys. */
  settingErrors(store: Config['store']): string[];
}

const defaultFiles = ['confs/conf.ini', '/etc/swob/conf.ini'] as const;

/** Further errors are only counted: a file of another format has one on every line. */
const maxReportedErrors = 50;

/** Throws CONFIG with all errors in one message, each with its file and line. Without `rules` any kind of store is accepted. */
export function loadConfig(sources: ConfigSources = {}, rules?: StoreRules): LoadedConfig {
  const settings = defaultSettings();
  if (rules) addCheck(settings, 'store.url', rules.checkUrl);
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const item of readSources(sources, settings.keys())) {
    if ('warning' in item) warnings.push(item.warning);
    else if ('error' in item) errors.push(item.error);
    else {
      const error = applySetting(settings, item);
      if (error !== undefined) errors.push(error);
    }
  }
  const config = toConfig(settings.values());
  if (errors.length === 0)
    errors.push(...crossFieldErrors(config), ...(rules?.settingErrors(config.store) ?? []));
  if (errors.length > 0) throw new SwobError('CONFIG', errorMessage(errors));
  return { config, settings: [...settings.values()], warnings: [...warnings, ...configWarnings(config)] };
}

function errorMessage(errors: readonly string[]): string {
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  const lines = [`the configuration has ${count}:`, ...errors.slice(0, maxReportedErrors)];
  if (errors.length > maxReportedErrors) lines.push(`and ${errors.length - maxReportedErrors} more`);
  return lines.join('\n  ');
}

/** The items of all sources; later ones override earlier ones. */
function readSources(sources: ConfigSources, names: Iterable<string>): SourceItem[] {
  const env = sources.env ?? process.env;
  const files = (sources.files?.length ? sources.files : defaultFilesIn(env)).flatMap(readIniFile);
  const overrides = [...readEnvironment(env, names), ...readSetOptions(sources.setOptions ?? [])];
  if (sources.hocon !== undefined) {
    overrides.push({ name: 'disconnect.hocon', text: sources.hocon, origin: '--hocon' });
  }
  const hocon = lastValue([...files, ...overrides], 'disconnect.hocon');
  return [...files, ...(hocon ? readHoconFile(hocon, env) : []), ...overrides];
}

/** The value of a key in the last item that sets it. */
function lastValue(items: readonly SourceItem[], name: string): string | undefined {
  const found = items.findLast((item) => 'name' in item && item.name === name);
  return found && 'text' in found ? found.text : undefined;
}

function defaultFilesIn(env: Environment): string[] {
  const named = env[configFileVariable];
  if (named) return [named];
  const found = defaultFiles.find((file) => !isAbsent(file));
  return found === undefined ? [] : [found];
}

/** A file that cannot be reached, as in a folder that this user may not enter, is not absent: reading it fails, with the reason. */
function isAbsent(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(String(systemErrorCode(error)));
  }
}
