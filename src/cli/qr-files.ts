// QR codes in image files: the options --png, --svg and --force of commands that show one. Used by `sync qr` and
// `sms invite`.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SwobError } from '../errors.ts';
import { checkWritable, writeChunksAtomic } from './ready-file.ts';
import type { QrModules } from './terminal/qr-code.ts';

export interface QrFileOptions {
  readonly png?: string;
  readonly svg?: string;
  readonly force?: boolean;
}

export interface QrFiles {
  readonly names: readonly string[];
  /** Writes the code into every file; later calls replace it, each file in one step. Throws UNAVAILABLE. */
  write(modules: QrModules): Promise<void>;
}

/** Private, because the code opens a session or contains a key. */
const mode = 0o600;

export function addQrFileOptions(command: Command): Command {
  return command
    .option('--png <file>', 'write the code to a PNG file as well')
    .option('--svg <file>', 'write the code to an SVG file as well')
    .option('--force', 'replace existing files of --png and --svg');
}

/**
 * Checks the files, and writes none yet. Throws USAGE for options that contradict each other, and CONFIG for a file that
 * exists (without --force) or cannot be written.
 */
export async function prepareQrFiles({ png, svg, force = false }: QrFileOptions): Promise<QrFiles> {
  const files = Object.entries({ png, svg }).flatMap(([format, name]) =>
    name === undefined ? [] : [{ format, name }],
  );
  if (force && files.length === 0) throw new SwobError('USAGE', '--force is only for --png and --svg');
  if (png !== undefined && svg !== undefined && resolve(png) === resolve(svg)) {
    throw new SwobError('USAGE', `--png and --svg name the same file ${png}: name one for each`);
  }
  for (const { format, name } of files) {
    if (name === '' || name === '-') {
      throw new SwobError('USAGE', `--${format} writes a file: name it, such as code.${format}`);
    }
    await checkWritable(name, 'CONFIG');
    if (!force && existsSync(name)) {
      throw new SwobError('CONFIG', `${name} already exists; --force replaces it`);
    }
  }
  let replace = force;
  return {
    names: files.map(({ name }) => name),
    write: async (modules) => {
      if (files.length === 0) return;
      const { drawPng, drawSvg } = await import('./terminal/qr-image.ts');
      for (const { format, name } of files) {
        const content = format === 'png' ? drawPng(modules) : drawSvg(modules);
        await writeChunksAtomic(name, [content], { mode, replace });
      }
      replace = true;
    },
  };
}

/** What to do when the terminal has no room for a code. */
export function noRoomAdvice({ names }: QrFiles): string {
  const other = names.length > 0 ? `open ${names.join(' or ')}` : 'write a file with --png';
  return `the QR code does not fit: enlarge the terminal, or ${other}`;
}
