// Runs a command line with commander; the only place that maps an error to an exit code. Used by main.ts.

import { isatty } from 'node:tty';
import { type Command, CommanderError } from 'commander';
import { systemClock } from '../app/system-clock.ts';
import { messageOf, SwobError } from '../errors.ts';
import { helpIndex } from './completion/command-line.ts';
import { topicOf } from './help/topic-names.ts';
import { OutputClosed, SilentExit, toOutputError } from './interrupt.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';
import { watchStdout } from './terminal/closed-stdout.ts';
import { createPrinter } from './terminal/printer.ts';
import { usageMessage } from './usage.ts';

/** Runs one command line (without node and script) and sets the exit code of the process. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const { stdout, stderr } = process;
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.exitCode = await run(argv, {
    // Opening it takes several milliseconds, and few commands read it.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    clock: systemClock,
    signals: process,
    watchStdout: watchStdout,
  });
  // Node aborts with a core dump when it cannot restore the mode of a terminal that was closed.
  if (terminals.every((fd) => isatty(fd))) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

/** The same without touching the process: resolves to the exit code and never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let outputError: unknown;
  const onOutputError = (error: unknown): void => {
    outputError ??= error;
  };
  io.stdout.on('error', onOutputError);
  // Without a listener, a closed stderr would crash the process.
  io.stderr.on('error', () => undefined);
  let built: Command | undefined;
  // Not before it is needed: building a program costs more than a millisecond of each start.
  const program = (): Command => (built ??= createProgram(io));
  let expanded = [...argv];
  try {
    await untilShown(async () => {
      const help = helpRequest(argv, io);
      expanded = expandHelp(argv, help, io);
      if (!(await showTopic(help, io))) await program().parseAsync(expanded, { from: 'user' });
    });
    await flush(io);
    if (outputError !== undefined) throw toOutputError(outputError);
    return 0;
  } catch (error) {
    const fault = failureOf(error, (usageError) => usageMessage(usageError, program(), expanded));
    if (fault.message !== undefined) await flush(io);
    const lost = outputError === undefined ? undefined : toOutputError(outputError);
    // What the command has printed before it failed may be its reason.
    const isLost = lost instanceof SwobError && lost.message !== fault.message;
    if (fault.message !== undefined || isLost) {
      const { json = false } = program().opts<{ json?: boolean }>();
      const printer = createPrinter({
        stdout: io.stdout,
        stderr: io.stderr,
        json,
        quiet: false,
        colour: false,
      });
      if (isLost) printer.warn(lost.message);
      if (fault.message !== undefined) printer.error(fault.code, fault.message);
    }
    return fault.exitCode;
  }
}

/** Returns after --help and --version as well, which commander throws, so that a failure to write them is noticed. */
async function untilShown(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
}

/** The words after `help`, and the global options before it. */
interface HelpRequest {
  readonly options: readonly string[];
  readonly words: readonly string[];
}

function helpRequest(argv: readonly string[], io: Io): HelpRequest | undefined {
  if (!argv.includes('help')) return undefined;
  const at = helpIndex(createProgram(io), argv);
  return at < 0 ? undefined : { options: argv.slice(0, at), words: argv.slice(at + 1) };
}

/**
 * Rewrites `swob` to `swob --help`, and `swob help x y` to `swob x y --help`. Omits --help for an unknown command, because
 * commander would then show the help of its parent instead of an error.
 */
function expandHelp(argv: readonly string[], help: HelpRequest | undefined, io: Io): string[] {
  if (help) {
    const line = [...help.options, ...help.words];
    return isCommandPath(createProgram(io), line) ? [...line, '--help'] : line;
  }
  const [first = '-'] = argv;
  if (!first.startsWith('-')) return [...argv];
  const { operands, unknown } = createProgram(io).parseOptions([...argv]);
  return operands.length === 0 && unknown.length === 0 ? [...argv, '--help'] : [...argv];
}

/** Prints the topic of `swob help <topic>`; false when the command line is another. */
async function showTopic(help: HelpRequest | undefined, io: Io): Promise<boolean> {
  if (!help) return false;
  const program = createProgram(io);
  const topic = topicOf(program.parseOptions([...help.options, ...help.words]).operands);
  if (topic === undefined) return false;
  const { topicText } = await import('./help/topics.ts');
  const { json = false } = program.opts<{ json?: boolean }>();
  const printer = createPrinter({ stdout: io.stdout, stderr: io.stderr, json, quiet: false, colour: false });
  if (json) printer.value({ topic, text: topicText(topic) });
  else printer.raw(topicText(topic));
  return true;
}

function isCommandPath(program: Command, words: readonly string[]): boolean {
  let command = program;
  for (const word of program.parseOptions([...words]).operands) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    // Further words are arguments of the command, which validates them itself.
    if (!next) return command !== program && command.commands.length === 0;
    command = next;
  }
  return true;
}

interface Failure {
  readonly exitCode: number;
  readonly code: string;
  /** Undefined when nothing is to be printed. */
  readonly message: string | undefined;
}

function failureOf(error: unknown, usage: (error: CommanderError) => string): Failure {
  if (error instanceof SwobError) return error;
  if (error instanceof OutputClosed) return { exitCode: 0, code: 'CLOSED', message: undefined };
  if (error instanceof SilentExit) return { exitCode: error.exitCode, code: 'EXIT', message: undefined };
  if (error instanceof CommanderError) {
    // A group without a command has already shown its help.
    const shown = error.code === 'commander.help';
    return { exitCode: 64, code: 'USAGE', message: shown ? undefined : usage(error) };
  }
  return {
    exitCode: 70,
    code: 'INTERNAL',
    message: `internal error, please report it as a bug in swob: ${messageOf(error)}`,
  };
}

/** Resolves once stdout has flushed, or has failed: the error event of a write comes after the callbacks of its turn. */
function flush(io: Io): Promise<void> {
  return new Promise((resolve) => void io.stdout.write('', () => setImmediate(resolve)));
}
