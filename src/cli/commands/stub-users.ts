// `swob stub users`: stands in for the user management API, for tests and for trying things out.

import type { Command } from 'commander';
import { readPlatformsFile, startUsersStub } from '../../stubs/users.ts';
import { collect, port, readSecretsById } from '../arguments.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { runStub } from '../stub.ts';

interface Options {
  /** `id:password`, `id:@file` or `id:-`. */
  readonly user: readonly string[];
  readonly platforms?: string;
  readonly host: string;
  readonly port: number;
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  command
    .requiredOption(
      '--user <id:password>',
      'a user who exists; id:@file and id:- keep it from others',
      collect,
    )
    .option('--platforms <file>', 'JSON file of the platforms that every user has saved')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', port, 9000)
    .option('--ready-file <file>', 'written once it listens: {"url": …}; removed at the end')
    .addHelpText(
      'after',
      '\nRuns until a signal (exit 130, 143).\n\nExample:\n  swob stub users --user alice:@password.txt --port 9000',
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { host, port } = options;
  const ready = await prepareReadyFile(options.readyFile);
  const users = await readSecretsById(context, '--user', options.user);
  const platforms = options.platforms === undefined ? undefined : await readPlatformsFile(options.platforms);
  await runStub(context, 'users', ready, () =>
    startUsersStub({ host, port, users, ...(platforms && { platforms }) }),
  );
}
