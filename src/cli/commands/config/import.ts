// `swob config import`: turns the configuration files of the replaced services into one conf.ini.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type ImportedConfig, importConfig, importedNames, statsOf } from '../../../config/import/import.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { checkWritable, writeFileAtomic } from '../../ready-file.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('<folder>', 'folder of the old files, such as /etc/eltex-disconnect-service')
    .option('--out <file>', 'write to this file instead of stdout, mode 0600')
    .option('--force', 'replace an existing file')
    .option('--dry-run', 'report what would be translated, and write nothing')
    .addHelpText(
      'after',
      `
Reads what the folder has of: application.conf with the files that it includes, log4j2.xml, and the variables in
../default/<name of the folder>, all of the Wi-Fi disconnect service; conf.ini, confs/conf.ini and gateway_server/confs/conf.ini of the
SMS gateway. Later ones override earlier ones. What has no counterpart is listed on stderr, with the reason.

Relative key files of the SMS gateway become absolute paths. Variables that the files refer to are taken from ../default, then from
this shell, and their values are written out.

The file contains passwords if the old ones do. Exits with 78 when an old file has errors, or when the new one does not load yet.

Example:
  swob config import /etc/eltex-disconnect-service --out confs/conf.ini`,
    )
    .action((folder: string, options: Options) => run(context, folder, options));
}

async function run(
  context: Context,
  folder: string,
  { out, force = false, dryRun = false }: Options,
): Promise<void> {
  const { printer } = context;
  checkFolder(folder);
  const target = dryRun ? undefined : out;
  if (target !== undefined) {
    if (!force && existsSync(target))
      throw new SwobError('CONFIG', `${target} already exists; --force replaces it`);
    await checkWritable(target, 'CONFIG');
  }
  const imported = importConfig(folder, context.io.env);
  if ('faults' in imported)
    throw new SwobError(
      'CONFIG',
      ['the old files have errors; nothing was written:', ...imported.faults].join('\n  '),
    );
  if (imported.files.length === 0)
    throw new SwobError(
      'CONFIG',
      `${folder} has none of ${importedNames.join(', ')}; name the folder of the old files`,
    );
  if (target !== undefined) await writeFileAtomic(target, imported.text, 0o600);
  report(context, imported, target, dryRun);
  if (imported.errors.length > 0)
    throw new SwobError(
      'CONFIG',
      ['the translated configuration does not load yet:', ...imported.errors].join('\n  '),
    );
  printer.note(summary(imported, target, dryRun));
}

function checkFolder(folder: string): void {
  const found = statsOf(folder);
  if (!found) throw new SwobError('CONFIG', `${folder} does not exist; name the folder of the old files`);
  if (!found.isDirectory())
    throw new SwobError('CONFIG', `${folder} is a file; name the folder that it is in`);
}

function report(
  { printer }: Context,
  imported: ImportedConfig,
  target: string | undefined,
  dryRun: boolean,
): void {
  const { text, files, settings, untranslated, notes } = imported;
  if (printer.json) {
    const file = target === undefined ? {} : { file: target };
    const output = target === undefined && !dryRun ? { text } : {};
    printer.value({ ...file, ...output, files, keys: settings.length, untranslated, notes });
    return;
  }
  // The old files are text from outside, but a value must reach a file unchanged.
  if (target === undefined && !dryRun) {
    if (printer.interactive) for (const line of text.trimEnd().split('\n')) printer.line(line);
    else printer.raw(text);
  }
  for (const note of notes) printer.note(`note: ${note}`);
  for (const line of untranslated) printer.warn(`not translated: ${line}`);
}

function summary(
  { settings, files, untranslated }: ImportedConfig,
  target: string | undefined,
  dryRun: boolean,
): string {
  const what = `${settings.length} ${settings.length === 1 ? 'key' : 'keys'} of ${files.join(', ')}`;
  const left =
    untranslated.length === 0 ? 'everything was translated' : `${untranslated.length} not translated`;
  const done = dryRun ? 'would translate' : target === undefined ? 'translated' : `wrote ${target}:`;
  return `${done} ${what}; ${left}`;
}
