// `swob stub developer`: runs a stub of the developer API and the back end.

import { type Command, InvalidArgumentError } from 'commander';
import { scriptedDeveloperModes, startDeveloperStub } from '../../../stubs/developer.ts';
import type { Context } from '../../context.ts';
import { collectValues } from '../../input/collect-values.ts';
import { formerOption } from '../../input/former-option.ts';
import { readSecretsById } from '../../input/option-parsers.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  /** `id:key`, `id:@file` or `id:-`. */
  readonly developer?: readonly string[];
  /** Users by number. */
  readonly msisdn?: ReadonlyMap<string, string>;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9100)
    .option(
      '--developer <id:key>',
      'accepted developer; repeatable; also id:@file, id:- (stdin) or id (prompt) (default: all are accepted)',
      collectValues,
    )
    .option(
      '--msisdn <MSISDN=user>',
      'phone number and its user; repeatable (default: the number is the user id)',
      parseNumbers,
    )
    .addOption(formerOption('--number <MSISDN=user>', 'msisdn').argParser(parseNumbers))
    .addHelpText(
      'after',
      '\nServes POST /v1/authenticate and POST /users until a signal (exit 130, 143). Inspect it with GET and DELETE' +
        '\n/__requests, and change it with POST /__behaviour {"mode": "normal" | "refuse" | "hang" | "expire",' +
        '\n"count"?: …}. As in the real systems, a request without User-Agent gets 400, an unknown number 403.' +
        stubOptionsHelp +
        '\n\nExample:\n  swob stub developer --developer dev:@key.txt --msisdn +237650000001=alice',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { msisdn: numbers } = options;
  const { clock } = context.io;
  await runStub(context, 'developer', options, scriptedDeveloperModes, async (given) => {
    const developers = await readSecretsById(
      context,
      { option: '--developer', what: 'key' },
      options.developer ?? [],
    );
    return startDeveloperStub({ ...given, developers, ...(numbers && { numbers }), clock });
  });
}

function parseNumbers(
  text: string,
  earlier: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const [, number = '', user = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (user === '') throw new InvalidArgumentError('Expected msisdn=user.');
  if (earlier.has(number)) throw new InvalidArgumentError(`Number ${number} is given twice.`);
  return new Map([...earlier, [number, user]]);
}
