// `swob stub users`: runs a stub of the user management API.

import type { Command } from 'commander';
import { basicModes } from '../../../stubs/basic-modes.ts';
import { readPlatformsFile, startUsersStub } from '../../../stubs/users.ts';
import type { Context } from '../../context.ts';
import { collectValues } from '../../input/collect-values.ts';
import { readSecretsById } from '../../input/option-parsers.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  /** `id:password`, `id:@file` or `id:-`. */
  readonly user: readonly string[];
  readonly platforms?: string;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9000)
    .requiredOption(
      '--user <id:password>',
      'existing user; repeatable; also id:@file, id:- (stdin) or id (prompt)',
      collectValues,
    )
    .option('--platforms <file>', 'JSON file of the saved platforms of every user')
    .addHelpText(
      'after',
      '\nRuns until a signal (exit 130, 143). As in the real API, a request without User-Agent gets 400, and a cookie is' +
        '\nvalid only for the User-Agent that received it. Change it with POST /__behaviour {"mode": …, "count"?: …}.' +
        stubOptionsHelp +
        '\n\nExample:\n  swob stub users --user alice:@password.txt --port 9000',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { clock } = context.io;
  await runStub(context, 'users', options, basicModes, async (given) => {
    const users = await readSecretsById(context, { option: '--user', what: 'password' }, options.user);
    const platforms =
      options.platforms === undefined ? undefined : await readPlatformsFile(options.platforms);
    return startUsersStub({ ...given, users, clock, ...(platforms && { platforms }) });
  });
}
