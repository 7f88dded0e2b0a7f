// `swob config check`: validates the configuration and reports all errors.

import type { Command } from 'commander';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .addHelpText(
      'after',
      '\nPrints warnings to stderr. Exits with 78 when there are errors.\n\nExample:\n  swob config check -c confs/conf.ini',
    )
    .action(async () => {
      const { settings, warnings } = await context.loadConfig();
      const keys = settings.length;
      if (printer.json) return printer.value({ keys, warnings });
      for (const warning of warnings) printer.note(warning);
      printer.line(`${keys} keys, no errors`);
    });
}
