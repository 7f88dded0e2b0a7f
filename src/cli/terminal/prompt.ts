// Prompts for a secret on the terminal without echo. Used by secret.ts.

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Interrupted } from '../interrupt.ts';
import type { Io } from '../io.ts';

/** Whether stdin is a terminal. */
export function canPrompt({ stdin }: Pick<Io, 'stdin'>): boolean {
  return stdin.isTTY === true;
}

/**
 * Reads one line from the terminal; Ctrl-D resolves to the empty string. `question` goes to stderr, because stdout is for
 * data. Rejects with Interrupted on Ctrl-C, which arrives as a key while the terminal is in raw mode.
 */
export function promptHidden(
  question: string,
  { stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    // readline edits the line (backspace, Ctrl-U, pasting) and echoes it here.
    const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: stdin, output: discard, terminal: true, historySize: 0 });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('SIGINT', () => {
      reject(new Interrupted('SIGINT'));
      lines.close();
    });
    lines.once('close', () => {
      // The terminal did not echo the Enter key.
      stderr.write('\n');
      resolve('');
    });
    stderr.write(question);
  });
}
