// Runs the real binary on a real terminal, with scripted input. Needs python3.

import { join } from 'node:path';
import { type ProcessOptions, runProcess, swobScript } from './binary.ts';
import { python } from './needs.ts';

interface Terminal {
  /** All output on the terminal, with `\n` for its line ends. */
  readonly shown: string;
  /** Negative: the signal that ended it. */
  readonly code: number;
}

/** `null` closes the terminal. */
type Typed = readonly [expect: string, send: string | null];

/** Runs `swob …args` on a terminal; each `send` is typed once its `expect` has been shown. */
export function onTerminal(
  args: readonly string[],
  typed: readonly Typed[],
  options: ProcessOptions,
): Promise<Terminal> {
  return programOnTerminal(process.execPath, [swobScript, ...args], typed, options);
}

/** The same for any program. */
export async function programOnTerminal(
  program: string,
  args: readonly string[],
  typed: readonly Typed[],
  options: ProcessOptions,
): Promise<Terminal> {
  const script = join(import.meta.dirname, 'run-on-terminal.py');
  const command = [script, JSON.stringify(typed), program, ...args];
  const { stdout, stderr } = await runProcess(python, command, options);
  if (stdout === '') throw new Error(`run-on-terminal.py: ${stderr}`);
  const { shown, code }: Terminal = JSON.parse(stdout);
  return { shown: shown.replaceAll('\r\n', '\n'), code };
}
