// `swob disconnects show`: shows an audited request to the disconnect service.

import type { Command } from 'commander';
import {
  type AuditOptions,
  addAuditOptions,
  describeRecord,
  parseAuditRecord,
  withAudit,
} from '../../client/disconnect-audit.ts';
import type { Context } from '../../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  addAuditOptions(command.argument('<record>', 'id of the record, from `swob disconnects list`'))
    .addHelpText(
      'after',
      '\nShows who was to be disconnected, what each backend did, and why it failed. Exits with 1 when the request is unknown.\n\nExample:\n  swob disconnects show 17000000000001b2c3d4e',
    )
    .action((id: string, options: AuditOptions) =>
      withAudit(context, options, async (read) => {
        const record = parseAuditRecord(await read(`/disconnects/${encodeURIComponent(id)}`));
        if (printer.json) return printer.value(record);
        for (const line of describeRecord(record)) printer.line(line);
      }),
    );
}
