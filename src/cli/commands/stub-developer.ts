// `swob stub developer`: stands in for the developer API and the back end, for tests and for trying things out.

import { type Command, InvalidArgumentError } from 'commander';
import { startDeveloperStub } from '../../stubs/developer.ts';
import { collect, port, readSecretsById } from '../arguments.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { runStub } from '../stub.ts';

interface Options {
  /** `id:key`, `id:@file` or `id:-`. */
  readonly developer?: readonly string[];
  /** Users by number. */
  readonly number: ReadonlyMap<string, string>;
  readonly host: string;
  readonly port: number;
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .option(
      '--developer <id:key>',
      'a developer; repeatable; id:@file and id:- keep the key from others; without it every id and key is right',
      collect,
    )
    .option(
      '--number <msisdn=user>',
      'a number and its user; repeatable; without it a number belongs to the user of the same name',
      numbers,
      new Map(),
    )
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', port, 9100)
    .option('--ready-file <file>', 'written once it listens: {"url": …}; removed at the end')
    .addHelpText(
      'after',
      '\nAnswers POST /v1/authenticate and POST /users until a signal (exit 130, 143). GET and DELETE /__requests' +
        '\nand POST /__behaviour {"mode": "normal" | "refuse" | "hang" | "expire", "count"?: …} look into it and' +
        '\nchange it.\n\nExample:\n  swob stub developer --developer dev:@key.txt --number +237650000001=alice',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { host, port, number } = options;
  const { clock } = context.io;
  const ready = await prepareReadyFile(options.readyFile);
  const developers = await readSecretsById(context, '--developer', options.developer ?? []);
  await runStub(context, 'developer', ready, () =>
    startDeveloperStub({ host, port, developers, numbers: number, clock }),
  );
}

function numbers(text: string, earlier: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, number = '', user = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (user === '') throw new InvalidArgumentError('Expected msisdn=user.');
  if (earlier.has(number)) throw new InvalidArgumentError(`Number ${number} is given twice.`);
  return new Map([...earlier, [number, user]]);
}
