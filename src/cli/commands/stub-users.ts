// `swob stub users`: stands in for the user management API, for tests and for trying things out.

import { type Command, InvalidArgumentError } from 'commander';
import { SwobError } from '../../errors.ts';
import { readPlatformsFile, startUsersStub } from '../../stubs/users.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { requireSecret } from '../secret.ts';
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
  const users = await readUsers(context, options.user);
  const platforms = options.platforms === undefined ? undefined : await readPlatformsFile(options.platforms);
  await runStub(context, 'users', ready, () =>
    startUsersStub({ host, port, users, ...(platforms && { platforms }) }),
  );
}

async function readUsers(context: Context, given: readonly string[]): Promise<Map<string, string>> {
  const { io, printer } = context;
  const users = new Map<string, string>();
  for (const text of given) {
    const colon = text.indexOf(':');
    if (colon < 1) throw new SwobError('USAGE', '--user: expected id:password or id:@file');
    const id = text.slice(0, colon);
    if (users.has(id)) throw new SwobError('USAGE', `--user ${id} is given twice`);
    users.set(id, await requireSecret(text.slice(colon + 1), { name: `--user ${id}`, io, printer }));
  }
  return users;
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function port(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
