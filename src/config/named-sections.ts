// Sections that users name themselves, such as [nas branch]: their settings come into being when a source first sets one of them.
// Used by settings.ts and sources.ts.

import { schema } from './schema.ts';
import type { Setting } from './settings.ts';
import type { KeyDefinition } from './value-types.ts';

const template = 'nas <name>';
const sectionForm = /^nas ([a-z0-9][a-z0-9_-]{0,31})$/;
const maxSections = 1_000;

/** Whether the section of the table stands for any number of sections. */
export function isTemplate(section: string): boolean {
  return section === template;
}

/** The name in `nas branch`; undefined for other sections. */
export function nameOfSection(section: string): string | undefined {
  return sectionForm.exec(section)?.[1];
}

/**
 * Adds the settings of the section of `section.key`, if it is such a section and has none yet. @returns an error message when it
 * is one too many, or its name is malformed
 */
export function addNamedSection(settings: Map<string, Setting>, name: string): string | undefined {
  const section = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  if (section === 'nas' || (section.startsWith('nas ') && nameOfSection(section) === undefined))
    return `[${section.slice(0, 60)}]: expected [nas <name>], such as [nas branch]; the name has 1 to 32 characters of a-z 0-9 _ -`;
  if (nameOfSection(section) === undefined || settings.has(`${section}.address`)) return undefined;
  const keys = Object.entries<KeyDefinition<unknown>>(schema[template]);
  if (settings.size >= maxSettings(keys.length)) return `more than ${maxSections} [nas …] sections`;
  for (const [key, definition] of keys) {
    const value = definition.default;
    settings.set(`${section}.${key}`, { section, key, definition, value, origin: 'default' });
  }
  return undefined;
}

function maxSettings(keysOfSection: number): number {
  const own = Object.values(schema).reduce((sum, keys) => sum + Object.keys(keys).length, 0);
  return own + (maxSections - 1) * keysOfSection;
}

/** `nas branch.secret_file` for SWOB_NAS_BRANCH_SECRET_FILE; undefined for other variables. */
export function namedSettingOf(variable: string): string | undefined {
  // The longest first, because SOURCE_ADDRESS ends with ADDRESS.
  const keys = Object.keys(schema[template]).sort((a, b) => b.length - a.length);
  const key = keys.find((each) => variable.endsWith(`_${each.toUpperCase()}`));
  if (!variable.startsWith('SWOB_NAS_') || key === undefined) return undefined;
  const section = `nas ${variable.slice('SWOB_NAS_'.length, -key.length - 1).toLowerCase()}`;
  return nameOfSection(section) === undefined ? undefined : `${section}.${key}`;
}
