// The value and origin of every key of the table: the raw settings of each source are applied to the defaults one after the other.
// Used by load.ts; sources.ts reads the sources.

import { messageOf } from '../errors.ts';
import { addNamedSection, isTemplate, nameOfSection } from './named-sections.ts';
import { type Config, schema } from './schema.ts';
import { suggestedKey } from './suggestion.ts';
import type { KeyDefinition } from './value-types.ts';

/** A key with its value and the origin of that value. */
export interface Setting {
  readonly section: string;
  readonly key: string;
  definition: KeyDefinition<unknown>;
  value: unknown;
  /** `default`, `confs/conf.ini:12`, `environment SWOB_API_PORT` or `--set`. */
  origin: string;
}

/** The text that a source sets for `section.key`, not parsed yet. */
export interface RawSetting {
  readonly name: string;
  readonly text: string;
  readonly origin: string;
}

/** All keys by `section.key`, with their defaults. */
export function defaultSettings(): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const [section, keys] of Object.entries(schema)) {
    if (isTemplate(section)) continue;
    for (const [key, definition] of Object.entries<KeyDefinition<unknown>>(keys)) {
      const value = definition.default;
      settings.set(`${section}.${key}`, { section, key, definition, value, origin: 'default' });
    }
  }
  return settings;
}

/** Lets a key accept only texts for which `check` throws no Error. */
export function addCheck(
  settings: ReadonlyMap<string, Setting>,
  name: string,
  check: (text: string) => void,
): void {
  const setting = settings.get(name);
  if (!setting) return;
  const { type } = setting.definition;
  const parse = (text: string): unknown => {
    check(text);
    return type.parse(text);
  };
  setting.definition = { ...setting.definition, type: { ...type, parse } };
}

/** Parses and sets the value; returns an error message for an unknown key or an invalid value. */
export function applySetting(
  settings: Map<string, Setting>,
  { name, text, origin }: RawSetting,
): string | undefined {
  const sectionError = addNamedSection(settings, name);
  if (sectionError !== undefined) return `${origin}: ${sectionError}`;
  const setting = settings.get(name);
  if (!setting) return `${origin}: unknown key ${name}${suggestion(name, settings)}`;
  try {
    setting.value = parseValue(setting.definition, text);
    setting.origin = origin;
    return undefined;
  } catch (error) {
    const { secret, type } = setting.definition;
    const shown = secret ? '' : `, not "${withoutSecrets(text, type.redact !== undefined).slice(0, 60)}"`;
    return `${origin}: [${setting.section}] ${setting.key}: ${messageOf(error)}${shown}`;
  }
}

/** The settings as an object by section and key. */
export function toConfig(settings: Iterable<Setting>): Config {
  // Not objects: a section may have the name of a member of every object, as [nas constructor] does.
  const sections = new Map<string, Record<string, unknown>>();
  const nas = new Map<string, Record<string, unknown>>();
  for (const { section, key, value } of settings) {
    const name = nameOfSection(section);
    const group = name === undefined ? sections : nas;
    const members = group.get(section) ?? (name === undefined ? {} : { name });
    group.set(section, Object.assign(members, { [key]: value }));
  }
  // Safe cast: the table determines the type of each value, and every key of the table is present.
  return { ...Object.fromEntries(sections), nas: [...nas.values()] } as unknown as Config;
}

/** An empty text selects the default, except for keys whose default is empty. */
function parseValue(definition: KeyDefinition<unknown>, text: string): unknown {
  return text === '' && definition.default !== '' ? definition.default : definition.type.parse(text);
}

/** Replaces user and password, and the query of a URL. The URL may be misspelled anywhere. */
function withoutSecrets(text: string, isUrl: boolean): string {
  const [scheme = ''] = /^[a-z][a-z\d+.-]*:\/\//i.exec(text) ?? [];
  const at = text.lastIndexOf('@');
  const anonymous = at < 0 ? text : `${scheme}…${text.slice(at)}`;
  return isUrl ? anonymous.replace(/[?#].*$/s, '?…') : anonymous;
}

function suggestion(name: string, settings: ReadonlyMap<string, Setting>): string {
  const meant = suggestedKey(name, [...settings.keys()]);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
