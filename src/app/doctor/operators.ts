// Checks the file that adds mobile operators to the built-in list. Used by `swob doctor`.

import { messageOf } from '../../errors.ts';
import { type Finding, fail, ok } from '../../lib/finding.ts';
import { readConfigured } from './files.ts';

/** `load` throws when the file cannot be used. */
export async function checkOperators(file: string, load: () => unknown): Promise<Finding> {
  const check = 'operators file';
  const content = await readConfigured(check, file);
  if (content.kind === 'unusable') return content.finding;
  const advice = 'put the file there, or leave [seeds] operators_file empty';
  if (content.kind === 'missing') return fail(check, `${file} does not exist`, advice);
  try {
    load();
    return ok(check, file);
  } catch (error) {
    return fail(check, messageOf(error), 'write a JSON object such as {"62401": "MTN Cameroon"}');
  }
}
