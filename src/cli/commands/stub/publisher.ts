// `swob stub publisher`: runs a stub of the Publisher.

import { type Command, Option } from 'commander';
import type { FailRatio } from '../../../stubs/fail-ratio.ts';
import {
  type ArrivedMessage,
  type PublisherMode,
  publisherModes,
  startPublisherStub,
} from '../../../stubs/publisher.ts';
import type { Context } from '../../context.ts';
import { parseFailRatio, parseMilliseconds } from '../../input/option-parsers.ts';
import { readSecret } from '../../input/secret.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  readonly mode: PublisherMode;
  readonly ms: number;
  readonly fail?: FailRatio;
  readonly dedupe: boolean;
  /** `@file`, `-` or the tag. */
  readonly tag?: string;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9200)
    .addOption(new Option('--mode <mode>', 'response mode').choices(publisherModes).default('normal'))
    .option('--ms <ms>', 'delay of mode slow, in milliseconds', parseMilliseconds, 1_000)
    .option('--fail <n/m>', 'reject the first n of every m messages with 500', parseFailRatio)
    .option('--no-dedupe', 'accept messages with an already used Idempotency-Key again')
    .option('--tag <@file|->', 'tag that payloads must have (default: none is checked)')
    .addHelpText(
      'after',
      '\nStands for the Publisher, and at /v1/publications for a RelaySMS Publisher, which checks tag (403) and form (400)' +
        '\nof a payload. Prints each accepted message, its MSISDN first, until a signal (exit 130, 143). Modes normal, slow and close' +
        '\naccept messages; refuse (500), reject (400) and hang do not. Inspect it with GET and DELETE /__messages,' +
        '\nand change it with POST /__behaviour {"mode": …, "count"?: …, "ms"?: …, "fail"?: "n/m"}.' +
        stubOptionsHelp +
        '\n\nExample:\n  swob stub publisher --fail 1/3 --json',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { mode, ms, fail, dedupe } = options;
  const { io, printer } = context;
  const onMessage = ({ id, MSISDN, message }: ArrivedMessage): void => {
    if (printer.json) printer.value({ id, MSISDN, message });
    else printer.fields([MSISDN, message]);
  };
  await runStub(context, 'publisher', options, publisherModes, async (given) => {
    const tag = await readSecret(options.tag, { name: '--tag', io, printer });
    return startPublisherStub({
      ...given,
      mode,
      ms,
      dedupe,
      ...(fail && { fail }),
      ...(tag !== undefined && { tag }),
      onMessage,
      clock: io.clock,
    });
  });
}
