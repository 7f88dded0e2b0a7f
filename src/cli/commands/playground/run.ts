// `swob playground run`: runs a command in a playground of its own.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Command } from 'commander';
import { childEnvironment } from '../../../config/environment.ts';
import { messageOf, SwobError, systemErrorCode } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { SilentExit } from '../../interrupt.ts';
import { playgroundEnvironment } from '../../playground/environment.ts';
import {
  addPlaygroundOptions,
  type PlaygroundCommandOptions,
  withPlayground,
} from '../../playground/open.ts';

export function define(command: Command, context: Context): void {
  addPlaygroundOptions(command)
    .argument('<command...>', 'the command and its arguments, after --')
    .addHelpText(
      'after',
      `
The command gets the variables of \`swob playground env\`. Exits with its exit code; with 128 and the number of the signal
that ended it.

Example:
  swob playground run --seed-data -- ./test-my-app.sh`,
    )
    .action((words: readonly string[], options: PlaygroundCommandOptions) => run(context, words, options));
}

async function run(
  context: Context,
  [command = '', ...args]: readonly string[],
  options: PlaygroundCommandOptions,
): Promise<void> {
  const exitCode = await context.interruptible((signal) =>
    withPlayground(context, options, signal, async (playground) => {
      const variables = await playgroundEnvironment(playground, context.io.clock.now());
      return runCommand(command, args, childEnvironment(variables, context.io.env), signal);
    }),
  );
  if (exitCode !== 0) throw new SilentExit(`${command} ended with ${exitCode}`, exitCode);
}

/** @returns its exit code, by the convention of shells where a signal ended it */
function runCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    // Ctrl-C reaches the command through the terminal too; SIGTERM does not.
    const terminate = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', terminate, { once: true });
    child.once('error', (error) => {
      reject(new SwobError('USAGE', `cannot run ${command}: ${reasonOf(error)}`, { cause: error }));
    });
    child.once('close', (code, by) => {
      signal.removeEventListener('abort', terminate);
      resolve(code ?? 128 + (by === null ? 0 : constants.signals[by]));
    });
  });
}

/** Node's message does not tell a missing command from a missing interpreter, and names no remedy. */
function reasonOf(error: Error): string {
  const reasons: Record<string, string> = {
    ENOENT:
      'there is no such command; name one on PATH, or a script as ./script.sh whose #! line names an interpreter',
    EACCES: 'it is not executable; run chmod +x on it, or pass it to an interpreter such as sh',
  };
  return reasons[String(systemErrorCode(error))] ?? messageOf(error);
}
