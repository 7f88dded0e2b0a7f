// `swob config show`: every key with the value that swob uses, and where it came from.

import type { Command } from 'commander';
import { iniValue } from '../../config/ini-file.ts';
import type { Setting } from '../../config/load.ts';
import type { Context } from '../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .option('--origin', 'say where each value came from')
    .addHelpText(
      'after',
      `
Secrets are shown as ***, and so are the user and the query of a URL. With --json numbers, true and false and
lists are just that; durations ("10s") and limits ("60/1m") are text.

Example:
  swob config show --origin
  swob config show --json | jq .api.port`,
    )
    .action(async ({ origin = false }: { readonly origin?: boolean }) => {
      const { settings } = await context.loadConfig();
      if (printer.json) printer.value(asObject(settings, origin));
      else for (const line of asIni(settings, origin)) printer.line(line);
    });
}

function shown({ definition, value }: Setting): string {
  const text = definition.kind.format(value);
  if (definition.secret && text !== '') return '***';
  return definition.kind.name.startsWith('URL') ? withoutSecrets(text) : text;
}

/** The URL without user, password and query; by its text, because parsing it would change %s and more. */
function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:[\\/]*)[^\\/?#]*@/i, '$1***@').replace(/[?#].*$/s, '?***');
}

/** The value for JSON: as the table has it where JSON can say that, else its text. */
function typed(setting: Setting): unknown {
  const { definition, value } = setting;
  const text = shown(setting);
  const isPlain = Array.isArray(value) || typeof value === 'boolean' || String(value) === text;
  return isPlain && !definition.secret ? value : text;
}

function asIni(settings: readonly Setting[], origin: boolean): string[] {
  const lines: string[] = [];
  let section: string | undefined;
  for (const setting of settings) {
    if (setting.section !== section) {
      if (section !== undefined) lines.push('');
      section = setting.section;
      lines.push(`[${section}]`);
    }
    if (origin) lines.push(`; ${setting.origin}`);
    lines.push(`${setting.key} = ${iniValue(shown(setting))}`.trimEnd());
  }
  return lines;
}

/** By section and key. */
function asObject(settings: readonly Setting[], origin: boolean): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const setting of settings) {
    sections[setting.section] ??= {};
    const value = typed(setting);
    Object.assign(sections[setting.section] ?? {}, {
      [setting.key]: origin ? { value, origin: setting.origin } : value,
    });
  }
  return sections;
}
