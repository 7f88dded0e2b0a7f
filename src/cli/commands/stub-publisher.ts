// `swob stub publisher`: stands in for the Publisher, for tests and for trying things out.

import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type ArrivedMessage,
  type FailRatio,
  failRatio,
  type PublisherMode,
  publisherModes,
  startPublisherStub,
} from '../../stubs/publisher.ts';
import { milliseconds, port } from '../arguments.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { runStub } from '../stub.ts';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly mode: PublisherMode;
  readonly ms: number;
  readonly fail?: FailRatio;
  readonly dedupe: boolean;
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', port, 9200)
    .addOption(new Option('--mode <mode>', 'how it answers').choices(publisherModes).default('normal'))
    .option('--ms <ms>', 'milliseconds of mode slow', milliseconds, 1_000)
    .option('--fail <n/m>', 'of m messages in a row the first n fail with 500 and are not taken', ratio)
    .option('--no-dedupe', 'take a message again when its Idempotency-Key was there before')
    .option('--ready-file <file>', 'written once it listens: {"url": …}; removed at the end')
    .addHelpText(
      'after',
      '\nPrints each message that it takes, its MSISDN first, until a signal (exit 130, 143). Modes normal, slow and' +
        '\nclose take a message; refuse (500), reject (400) and hang do not. GET and DELETE /__messages and' +
        '\nPOST /__behaviour {"mode": …, "count"?: …, "ms"?: …, "fail"?: "n/m"} look into it and change it.' +
        '\n\nExample:\n  swob stub publisher --fail 1/3 --json',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { readyFile, ...stubOptions } = options;
  const { io, printer } = context;
  const ready = await prepareReadyFile(readyFile);
  const onMessage = ({ id, MSISDN, message }: ArrivedMessage): void => {
    if (printer.json) printer.value({ id, MSISDN, message });
    else printer.fields([MSISDN, message]);
  };
  await runStub(context, 'publisher', ready, () =>
    startPublisherStub({ ...stubOptions, onMessage, clock: io.clock }),
  );
}

function ratio(text: string): FailRatio {
  const read = failRatio(text);
  if (read) return read;
  throw new InvalidArgumentError('Expected n/m, such as 1/3.');
}
