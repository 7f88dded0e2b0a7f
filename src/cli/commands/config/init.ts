// `swob config init`: writes a configuration file with every key, its default and its documentation.

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { exampleFile } from '../../../config/example.ts';
import { messageOf, SwobError } from '../../../errors.ts';
import { makeFolder } from '../../../lib/folders.ts';
import type { Context } from '../../context.ts';
import { writeFileAtomic } from '../../ready-file.ts';

const defaultTarget = 'confs/conf.ini';

export function define(command: Command, context: Context): void {
  command
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      `\nWrites ${defaultTarget}, or the file of --config.\n\nExample:\n  swob config init\n  swob config init -c /etc/swob/conf.ini`,
    )
    .action(({ force = false }: { readonly force?: boolean }) => run(context, force));
}

async function run({ options, printer }: Context, force: boolean): Promise<void> {
  const [target = defaultTarget, ...more] = options.config;
  if (more.length > 0) throw new SwobError('USAGE', 'config init writes a single file; pass --config once');
  if (!force && existsSync(target)) {
    throw new SwobError('CONFIG', `${target} already exists; --force replaces it`);
  }
  await makeFolder(dirname(target), 0o755).catch((error: unknown) => {
    const message = `cannot create ${dirname(target)}: ${messageOf(error)}; name a file in another folder with --config`;
    throw new SwobError('UNAVAILABLE', message, { cause: error });
  });
  // Private, because the file will contain secrets.
  await writeFileAtomic(target, exampleFile(), 0o600);
  if (printer.json) printer.value({ file: target });
  else printer.line(`wrote ${target}`);
}
