// The entry of bin/swob, and the one place that turns an error into an exit code.

import { type Command, CommanderError } from 'commander';
import { systemClock } from '../app/system-clock.ts';
import { messageOf, SwobError } from '../errors.ts';
import { Interrupted, OutputClosed, outputFault } from './interrupt.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command line (without node and script) and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const { stdin, stdout, stderr } = process;
  process.exitCode = await run(argv, { stdin, stdout, stderr, clock: systemClock, signals: process });
}

/** The same without touching the process: resolves to the exit code, never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let outputError: unknown;
  const onOutputError = (error: unknown): void => {
    outputError ??= error;
  };
  io.stdout.on('error', onOutputError);
  // Without a listener a closed stderr would end the process with a stack trace that nobody can read.
  io.stderr.on('error', () => undefined);
  const program = createProgram(io);
  try {
    await program.parseAsync(spelledOut(argv, io), { from: 'user' });
    await flushed(io);
    if (outputError !== undefined) throw outputFault(outputError);
    return 0;
  } catch (error) {
    const fault = faultOf(error);
    if (fault.message !== undefined) {
      const { createPrinter } = await import('./printer.ts');
      const { json = false } = program.opts<{ json?: boolean }>();
      createPrinter({ ...io, json, quiet: false, colour: false }).error(fault.code, fault.message);
    }
    return fault.exit;
  }
}

/**
 * `swob` alone is `swob --help`, and `swob help x y` is `swob x y --help`, but without the --help when there
 * is no such command: that would show the help of what is above it.
 */
function spelledOut(argv: readonly string[], io: Io): string[] {
  if (argv.length === 0) return ['--help'];
  if (argv[0] !== 'help') return [...argv];
  const words = argv.slice(1);
  return namesCommand(createProgram(io), words) ? [...words, '--help'] : words;
}

function namesCommand(program: Command, words: readonly string[]): boolean {
  let command = program;
  for (const word of program.parseOptions([...words]).operands) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    // What comes after a command without commands is for that command to judge.
    if (!next) return command !== program && command.commands.length === 0;
    command = next;
  }
  return true;
}

interface Fault {
  readonly exit: number;
  readonly code: string;
  /** Undefined when there is nothing to say. */
  readonly message: string | undefined;
}

function faultOf(error: unknown): Fault {
  if (error instanceof SwobError) return error;
  if (error instanceof OutputClosed) return { exit: 0, code: 'CLOSED', message: undefined };
  if (error instanceof Interrupted) return { exit: error.exit, code: 'INTERRUPTED', message: undefined };
  if (error instanceof CommanderError) {
    // Help that was asked for and --version end with 0; a group without a command has shown its help already.
    if (error.exitCode === 0) return { exit: 0, code: 'HELP', message: undefined };
    const shown = error.code === 'commander.help';
    const message = `${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}; see swob --help`;
    return { exit: 64, code: 'USAGE', message: shown ? undefined : message };
  }
  return { exit: 70, code: 'INTERNAL', message: `this is a defect in swob: ${messageOf(error)}` };
}

/** Resolves once stdout has taken what was written, or has failed to. */
function flushed(io: Io): Promise<void> {
  return new Promise((resolve) => void io.stdout.write('', () => resolve()));
}
