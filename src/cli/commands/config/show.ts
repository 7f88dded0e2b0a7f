// `swob config show`: every key with its value and the origin of the value.

import type { Command } from 'commander';
import { displayValue } from '../../../config/display-value.ts';
import { iniValue } from '../../../config/ini-file.ts';
import type { Setting } from '../../../config/load.ts';
import { nearestName, suggestedKey } from '../../../config/suggestion.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .argument('[keys...]', 'keys to show, such as api.port, or sections, such as api (default: all)')
    .option('--origin', 'show the origin of each value')
    .addHelpText(
      'after',
      `
Secrets are shown as ***, and so are the user and the query of a URL. With --json, numbers, booleans and lists keep their
type; durations ("10s") and limits ("60/1m") are strings.

Example:
  swob config show --origin
  swob config show api.port store
  swob config show --json | jq .api.port`,
    )
    .action(async (names: readonly string[], { origin = false }: { readonly origin?: boolean }) => {
      const settings = selectSettings((await context.loadConfig()).settings, names);
      if (printer.json) printer.value(toObject(settings, origin));
      else for (const line of formatIni(settings, origin)) printer.line(line);
    });
}

/** Those of the named keys and sections; all without names. Throws USAGE for an unknown name. */
function selectSettings(settings: readonly Setting[], names: readonly string[]): readonly Setting[] {
  const isNamed = ({ section, key }: Setting, name: string): boolean =>
    name === section || name === `${section}.${key}`;
  for (const name of names) {
    if (settings.some((setting) => isNamed(setting, name))) continue;
    const sections = [...new Set(settings.map(({ section }) => section))];
    const meant =
      nearestName(name, sections) ??
      suggestedKey(
        name,
        settings.map(({ section, key }) => `${section}.${key}`),
      );
    throw new SwobError(
      'USAGE',
      `unknown key ${name}${meant === undefined ? '' : ` (did you mean ${meant}?)`}; see swob help configuration`,
    );
  }
  return names.length === 0
    ? settings
    : settings.filter((setting) => names.some((name) => isNamed(setting, name)));
}

/** The value as a JSON type where it has one, else its text. */
function jsonValue(setting: Setting): unknown {
  const { definition, value } = setting;
  const text = displayValue(setting);
  const isPlain = Array.isArray(value) || typeof value === 'boolean' || String(value) === text;
  return isPlain && !definition.secret ? value : text;
}

function formatIni(settings: readonly Setting[], origin: boolean): string[] {
  const lines: string[] = [];
  let section: string | undefined;
  for (const setting of settings) {
    if (setting.section !== section) {
      if (section !== undefined) lines.push('');
      section = setting.section;
      lines.push(`[${section}]`);
    }
    if (origin) lines.push(`; ${setting.origin}`);
    lines.push(`${setting.key} = ${iniValue(displayValue(setting))}`.trimEnd());
  }
  return lines;
}

/** The settings as an object by section and key. */
function toObject(settings: readonly Setting[], origin: boolean): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const setting of settings) {
    sections[setting.section] ??= {};
    const value = jsonValue(setting);
    Object.assign(sections[setting.section] ?? {}, {
      [setting.key]: origin ? { value, origin: setting.origin } : value,
    });
  }
  return sections;
}
