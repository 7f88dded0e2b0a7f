// The commander program with the arguments and options of every command. Used by the generators of the reference page
// and of the manual pages, and by tests of the command line.

import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { systemClock } from '../../src/app/system-clock.ts';
import { commands } from '../../src/cli/command-table.ts';
import { createContext } from '../../src/cli/context.ts';
import type { Io } from '../../src/cli/io.ts';
import { createProgram } from '../../src/cli/program.ts';

const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
const io: Io = {
  stdin: Readable.from([]),
  stdout: sink,
  stderr: sink,
  clock: systemClock,
  signals: new EventEmitter(),
  env: {},
};

export interface DefinedProgram {
  readonly program: Command;
  /** The commands of the table, by path: `seeds list`. */
  readonly commands: ReadonlyMap<string, Command>;
}

export async function definedProgram(): Promise<DefinedProgram> {
  const program = createProgram(io);
  const context = createContext(io, { config: [], set: [], json: false, quiet: false, color: false });
  const found = new Map<string, Command>();
  for (const { path, load } of commands) {
    const command = path
      .split(' ')
      .reduce<Command | undefined>(
        (parent, name) => parent?.commands.find((child) => child.name() === name),
        program,
      );
    if (!command) throw new Error(`swob ${path} is not in the program`);
    (await load()).define(command, context);
    found.set(path, command);
  }
  return { program, commands: found };
}

/** The notes and the examples that the help of a command has after its options. */
export function notesOf(command: Command): { readonly notes: string; readonly examples: string | undefined } {
  let shown = '';
  command.configureOutput({ writeOut: (text) => (shown += text) }).outputHelp();
  const [notes = '', examples] = shown.slice(command.helpInformation().length).split(/^Examples?:\n/m);
  return { notes: notes.trim(), examples: examples?.replace(/^ {2}/gm, '') };
}
