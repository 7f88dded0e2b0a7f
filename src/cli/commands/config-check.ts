// `swob config check`: every fault of the configuration at once, exit 78; or that there is none.

import type { Command } from 'commander';
import type { Context } from '../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .addHelpText(
      'after',
      '\nExits with 78 when there are faults.\n\nExample:\n  swob config check -c confs/conf.ini',
    )
    .action(async () => {
      const { settings, notes } = await context.loadConfig();
      const keys = settings.length;
      if (printer.json) return printer.value({ keys, notes });
      for (const note of notes) printer.note(note);
      printer.line(`${keys} keys, no faults`);
    });
}
