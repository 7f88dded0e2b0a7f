// `swob stub callbacks`: runs a stub of a developer's server, which receives the results of outgoing SMS.

import { type Command, Option } from 'commander';
import { type BasicMode, basicModes } from '../../../stubs/basic-modes.ts';
import { startCallbacksStub } from '../../../stubs/callbacks.ts';
import type { Context } from '../../context.ts';
import { parseMilliseconds } from '../../input/option-parsers.ts';
import { readSecret } from '../../input/secret.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  readonly secret?: string;
  readonly mode: BasicMode;
  readonly ms: number;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9300)
    .option(
      '--secret <@file|->',
      'secret of the signatures, as [outgoing] callback_secret (default: none is checked)',
    )
    .addOption(new Option('--mode <mode>', 'response mode').choices(basicModes).default('normal'))
    .option('--ms <ms>', 'delay of mode slow, in milliseconds', parseMilliseconds, 1_000)
    .addHelpText(
      'after',
      '\nAccepts POST at any path with 204, and refuses a missing or wrong signature with 401, until a signal (exit 130,' +
        '\n143). Its address has to be in [outgoing] callback_allow. Change it with POST /__behaviour {"mode": …}.' +
        stubOptionsHelp +
        "\n\nExample:\n  swob stub callbacks --secret @secret.txt --expect 'uuid~=.'",
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { mode, ms } = options;
  const { io, printer } = context;
  await runStub(context, 'callbacks', options, basicModes, async (given) => {
    const secret = await readSecret(options.secret, { name: '--secret', io, printer });
    return startCallbacksStub({
      ...given,
      mode,
      ms,
      clock: io.clock,
      ...(secret !== undefined && { secret }),
    });
  });
}
