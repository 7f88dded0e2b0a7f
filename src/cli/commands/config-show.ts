// `swob config show`: every key with the value that swob uses, and where it came from.

import type { Command } from 'commander';
import { iniValue } from '../../config/ini-file.ts';
import type { Setting } from '../../config/load.ts';
import type { Context } from '../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .option('--origin', 'say where each value came from')
    .addHelpText('after', '\nSecrets are shown as ***.\n\nExample:\n  swob config show --origin')
    .action(async ({ origin = false }: { readonly origin?: boolean }) => {
      const { settings } = await context.loadConfig();
      if (printer.json) printer.value(asObject(settings, origin));
      else for (const line of asIni(settings, origin)) printer.line(line);
    });
}

function shown({ definition, value }: Setting): string {
  const text = definition.kind.format(value);
  return definition.secret && text !== '' ? '***' : text;
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

/** By section and key; each value as conf.ini would have it. */
function asObject(settings: readonly Setting[], origin: boolean): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const setting of settings) {
    sections[setting.section] ??= {};
    const value = shown(setting);
    Object.assign(sections[setting.section] ?? {}, {
      [setting.key]: origin ? { value, origin: setting.origin } : value,
    });
  }
  return sections;
}
