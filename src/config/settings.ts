// The table with a value for every key: layers are laid over the defaults one after the other.
// Used by load.ts; the files and variables come from sources.ts.

import { messageOf } from '../errors.ts';
import type { Key } from './kinds.ts';
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

/** `section.key` and the text that a layer gives it. */
export interface Assignment {
  readonly name: string;
  readonly text: string;
  readonly origin: string;
}

/** Every key by `section.key`, with its default. */
export function defaultSettings(): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const [section, keys] of Object.entries(schema)) {
    for (const [key, definition] of Object.entries<Key<unknown>>(keys)) {
      const value = definition.default;
      settings.set(`${section}.${key}`, { section, key, definition, value, origin: 'default' });
    }
  }
  return settings;
}

/** Sets the value; the fault when there is no such key or the text does not fit it. */
export function assign(
  settings: ReadonlyMap<string, Setting>,
  { name, text, origin }: Assignment,
): string | undefined {
  const setting = settings.get(name);
  if (!setting) return `${origin}: unknown key ${name}${suggestion(name, settings)}`;
  try {
    setting.value = read(setting.definition, text);
    setting.origin = origin;
    return undefined;
  } catch (error) {
    const shown = setting.definition.secret ? '' : `, not "${withoutPassword(text).slice(0, 60)}"`;
    return `${origin}: [${setting.section}] ${setting.key}: ${messageOf(error)}${shown}`;
  }
}

/** The settings by section and key. */
export function assemble(settings: Iterable<Setting>): Config {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const { section, key, value } of settings) {
    sections[section] ??= {};
    sections[section][key] = value;
  }
  // Sound: the table gives each value its type, and every key of the table is present.
  return sections as unknown as Config;
}

/** An empty value means the default, except for keys that may be empty. */
function read(definition: Key<unknown>, text: string): unknown {
  return text === '' && definition.default !== '' ? definition.default : definition.kind.parse(text);
}

/** A URL without its user and password. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/.*@/, '//…@');
}

function suggestion(name: string, settings: ReadonlyMap<string, Setting>): string {
  const key = name.slice(name.lastIndexOf('.') + 1);
  const near = [...settings.keys()].find((candidate) => candidate.endsWith(`.${key}`));
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}
