// Brings the configuration together: defaults < files < environment < --set, checked against the table.
// All faults are told at once.

import { existsSync, readFileSync } from 'node:fs';
import { messageOf, SwobError } from '../errors.ts';
import { contradictions } from './contradictions.ts';
import { parseIni } from './ini-file.ts';
import type { Key } from './kinds.ts';
import { legacyKey } from './legacy.ts';
import { type Config, schema } from './schema.ts';

/** A key with its value, where that came from, and how it is shown. */
export interface Setting {
  readonly section: string;
  readonly key: string;
  readonly definition: Key<unknown>;
  value: unknown;
  /** `default`, `confs/conf.ini:12`, `environment SWOB_API_PORT` or `--set`. */
  origin: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly settings: readonly Setting[];
  /** Old keys that were renamed or ignored; for `swob config check`. */
  readonly notes: readonly string[];
}

export interface ConfigSources {
  /** Files in the order in which later ones win; empty: the first of `defaultFiles` that exists. */
  readonly files?: readonly string[];
  /** `section.key=value`, as given to --set. */
  readonly overrides?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const defaultFiles = ['confs/conf.ini', '/etc/swob/conf.ini'] as const;

/** Environment variables that begin with SWOB_ and are no configuration keys: secrets for commands. */
const otherVariables = new Set(['SWOB_PASSWORD', 'SWOB_TOKEN']);

/** Throws CONFIG with every fault in one message. */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
  const settings = new Map<string, Setting>();
  for (const [section, keys] of Object.entries(schema)) {
    for (const [key, definition] of Object.entries<Key<unknown>>(keys)) {
      settings.set(`${section}.${key}`, {
        section,
        key,
        definition,
        value: definition.default,
        origin: 'default',
      });
    }
  }
  const faults: string[] = [];
  const notes: string[] = [];

  const apply = (name: string, text: string, origin: string): void => {
    const setting = settings.get(name);
    if (!setting) return void faults.push(`${origin}: unknown key ${name}${suggestion(name, settings)}`);
    try {
      setting.value = read(setting.definition, text);
      setting.origin = origin;
    } catch (error) {
      const shown = setting.definition.secret ? '' : `, not "${withoutPassword(text).slice(0, 60)}"`;
      faults.push(`${origin}: [${setting.section}] ${setting.key}: ${messageOf(error)}${shown}`);
    }
  };

  for (const file of sources.files?.length ? sources.files : foundFiles()) {
    const { entries, faults: unreadable } = parseIni(readFile(file));
    faults.push(...unreadable.map(({ line, message }) => `${file}:${line}: ${message}`));
    const seen = new Map<string, number>();
    for (const { section, key, value, line } of entries) {
      const origin = `${file}:${line}`;
      const old = legacyKey(section, key);
      if (old) notes.push(`${origin}: [${section}] ${key}: ${old.note}`);
      if (old && (old.to === undefined || value === '')) continue;
      const name = old?.to ?? `${section}.${key}`;
      const first = seen.get(name);
      if (first !== undefined) faults.push(`${origin}: ${name} stands on line ${first} already`);
      seen.set(name, line);
      apply(name, old?.convert?.(value) ?? value, origin);
    }
  }
  for (const [variable, text] of Object.entries(sources.env ?? process.env)) {
    if (!variable.startsWith('SWOB_') || otherVariables.has(variable) || text === undefined) continue;
    const name = [...settings.keys()].find((candidate) => variable === variableOf(candidate));
    if (name) apply(name, text, `environment ${variable}`);
    else faults.push(`environment ${variable}: no such key`);
  }
  for (const override of sources.overrides ?? []) {
    const equals = override.indexOf('=');
    if (equals < 1) faults.push('--set: expected section.key=value, such as api.port=7000');
    else apply(override.slice(0, equals).trim(), override.slice(equals + 1).trim(), '--set');
  }

  const config = assemble(settings.values());
  if (faults.length === 0) faults.push(...contradictions(config));
  if (faults.length > 0) {
    throw new SwobError(
      'CONFIG',
      `the configuration has ${faults.length} fault(s):\n  ${faults.join('\n  ')}`,
    );
  }
  return { config, settings: [...settings.values()], notes };
}

/** An empty value means the default, except for keys that may be empty. */
function read(definition: Key<unknown>, text: string): unknown {
  return text === '' && definition.default !== '' ? definition.default : definition.kind.parse(text);
}

/** A URL without its user and password. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/.*@/, '//…@');
}

function foundFiles(): string[] {
  const found = defaultFiles.find((file) => existsSync(file));
  return found === undefined ? [] : [found];
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SwobError('CONFIG', `cannot read the configuration file ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** `api.port` is SWOB_API_PORT, `pcrf.pool.max` is SWOB_PCRF_POOL_MAX. */
function variableOf(name: string): string {
  return `SWOB_${name.replaceAll('.', '_').toUpperCase()}`;
}

function suggestion(name: string, settings: ReadonlyMap<string, Setting>): string {
  const key = name.slice(name.lastIndexOf('.') + 1);
  const near = [...settings.keys()].find((candidate) => candidate.endsWith(`.${key}`));
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

function assemble(settings: Iterable<Setting>): Config {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const { section, key, value } of settings) {
    sections[section] ??= {};
    sections[section][key] = value;
  }
  // Sound: the table gives each value its type, and every key of the table is present.
  return sections as unknown as Config;
}
