// Reads the script of a stub, YAML or JSON. Used by stub-options.ts.

import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { describeReadError, SwobError } from '../../errors.ts';
import { parseStubScript, type StubScript } from '../../stubs/stub-script.ts';

const maxBytes = 1024 * 1024;

/** Throws USAGE, naming the file and the place. */
export async function readScriptFile<M extends string>(
  file: string,
  modes: readonly M[],
): Promise<StubScript<M>> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new SwobError('USAGE', `it is over ${maxBytes} bytes`);
    // YAML contains JSON.
    return parseStubScript(parse(await readFile(file, 'utf8')), modes);
  } catch (error) {
    const reason = error instanceof SwobError ? error.message : describeReadError(error);
    throw new SwobError('USAGE', `cannot use ${file}: ${reason}`, { cause: error });
  }
}
