// Reads the files that an application.conf includes, within bounds, and knows which file a line is of. Used by
// hocon-source.ts.

import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describeReadError, systemErrorCode } from '../errors.ts';
import { NotUtf8, utf8Remedy } from '../lib/utf8.ts';
import type { Include, IncludeStatement } from './hocon-include.ts';
import { HoconError } from './hocon-nodes.ts';

/** Of all files together. */
const maxBytes = 1024 * 1024;
/** Included files; one that is included twice counts twice. */
const maxFiles = 100;
/** An included file that includes another, and so on. */
const maxNested = 10;

export interface HoconFiles {
  readonly include: Include;
  /** The file of a line, and its number in that file. */
  locate(line: number): { readonly file: string; readonly line: number };
  /** Optional files that do not exist. */
  readonly missing: readonly { readonly line: number; readonly name: string }[];
}

/**
 * @param file the first file, whose folder has the others
 * @param text its content
 * @param readText reads a file; throws NotUtf8, or an error of the system
 */
export function createHoconFiles(file: string, text: string, readText: (file: string) => string): HoconFiles {
  const folder = dirname(file);
  const starts = [{ file, linesBefore: 0 }];
  let lines = countLines(text);
  let bytes = Buffer.byteLength(text);
  const active = [file];
  const missing: { line: number; name: string }[] = [];

  /** Reads one file, and gives its lines the next numbers. */
  const open = (path: string, { fail }: IncludeStatement): { text: string; linesBefore: number } => {
    if (starts.length > maxFiles) throw fail(`more than ${maxFiles} included files`);
    if (active.length > maxNested) throw fail(`included files are nested more than ${maxNested} deep`);
    const linesBefore = lines;
    starts.push({ file: path, linesBefore });
    const content = readOf(path, readText, linesBefore, fail);
    bytes += Buffer.byteLength(content);
    if (bytes > maxBytes) throw fail('with the included files larger than 1 MiB');
    lines += countLines(content);
    return { text: content, linesBefore };
  };

  const include: Include = (statement, parse) => {
    const paths = pathsOf(folder, statement);
    if (paths.length === 0) missing.push({ line: statement.line, name: statement.name });
    return paths.map((path) => {
      const cycle = active.findIndex((other) => resolve(other) === resolve(path));
      if (cycle >= 0) {
        const names = [...active.slice(cycle), path].map((name) => basename(name));
        throw statement.fail(
          `the files include each other in a cycle: ${names.join(' → ')}; remove one include`,
        );
      }
      const opened = open(path, statement);
      active.push(path);
      const block = parse(opened.text, opened.linesBefore);
      active.pop();
      return block;
    });
  };

  const locate: HoconFiles['locate'] = (line) => {
    const found = starts.findLast(({ linesBefore }) => linesBefore < line);
    return found ? { file: found.file, line: line - found.linesBefore } : { file, line };
  };
  return { include, locate, missing };
}

/** The existing files that a statement names; a name without extension is any of `.json` and `.conf`, in this order. */
function pathsOf(folder: string, { name, required, fail }: IncludeStatement): string[] {
  const path = resolve(folder, name);
  if (name === '' || /\p{Cc}/u.test(name)) throw fail('include needs the name of a file');
  if (dirname(path) !== resolve(folder))
    throw fail(
      'only files of the same folder can be included: move the file there, and include it by its name',
    );
  const own = basename(path);
  const names = /\.(?:conf|json|properties)$/.test(own)
    ? [own]
    : ['properties', 'json', 'conf'].map((end) => `${own}.${end}`);
  const found = names.filter((candidate) => exists(join(folder, candidate)));
  if (found.some((candidate) => candidate.endsWith('.properties')))
    throw fail('a .properties file cannot be included: write its lines as key = "value" into a .conf file');
  if (found.length === 0 && required)
    throw fail(`the required file ${names.at(-1)} does not exist in ${folder}`);
  return found.map((candidate) => join(folder, candidate));
}

/** False only when there is nothing of this name; what cannot be read is an error when it is read. */
function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== 'ENOENT';
  }
}

function readOf(
  path: string,
  readText: (file: string) => string,
  linesBefore: number,
  fail: (message: string) => HoconError,
): string {
  try {
    const { size } = checkedStat(path);
    if (size > maxBytes) throw fail('with the included files larger than 1 MiB');
    return readText(path);
  } catch (error) {
    if (error instanceof HoconError) throw error;
    if (error instanceof NotUtf8) throw new HoconError(linesBefore + error.line, `not UTF-8; ${utf8Remedy}`);
    throw fail(`cannot read the included file ${path}: ${describeReadError(error)}`);
  }
}

/** Reading a named pipe would wait for its writer. */
function checkedStat(path: string): { readonly size: number } {
  const found = statSync(path);
  if (found.isFile() || found.isDirectory()) return found;
  throw new Error('it is not a regular file');
}

const countLines = (text: string): number => text.split('\n').length;
