// Every example of `swob help …`, pasted into common shells: each command gets the intended arguments,
// and its command line accepts them.

import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/command-table.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { present } from '../support/needs.ts';
import { sharedByFile } from '../support/teardown.ts';
import { createCli, RecordedStream } from './harness.ts';

interface Example {
  readonly path: string;
  /** The text in the help, including line ends. */
  readonly text: string;
}

async function examplesOfHelp(): Promise<Example[]> {
  const examples: Example[] = [];
  for (const path of ['', ...commands.map((command) => command.path)]) {
    const cli = createCli();
    await cli.swob(...path.split(' ').filter((word) => word !== ''), '--help');
    const [, after = ''] = cli.out.text.split('\nExample:\n');
    // A line with more indentation continues the previous one.
    for (const text of after.trimEnd().split(/\n(?= {2}\S)/)) examples.push({ path, text: text.trim() });
  }
  expect(examples.length).toBeGreaterThan(commands.length);
  return examples;
}

/** The arguments of each `swob` in these commands, run by a shell with stubs for the programs that they name. */
function callsIn(shell: string, texts: readonly string[]): string[][][] {
  const folder = temporaryFolder();
  const programs = {
    // One file for each call: the arguments it received, each with a NUL at its end.
    swob: ': > "call.$$"; [ $# -eq 0 ] || printf "%s\\0" "$@" > "call.$$"',
    jq: 'cat > /dev/null',
    gpg: 'cat > /dev/null',
  };
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  // In one shell, because starting a shell for each takes longer than all that it does.
  for (const [index, text] of texts.entries()) {
    mkdirSync(join(folder, String(index)));
    writeFileSync(join(folder, String(index), 'backup.jsonl'), '');
    writeFileSync(join(folder, `${index}.example`), text);
  }
  const all = 'n=0; while [ -d "$n" ]; do (cd "$n" && . "../$n.example") || exit; n=$((n + 1)); done';
  execFileSync(shell, ['-c', all], {
    cwd: folder,
    env: { PATH: `${folder}:${process.env.PATH}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return texts.map((_, index) => {
    const own = join(folder, String(index));
    const calls = readdirSync(own).filter((name) => name.startsWith('call.'));
    const received = calls.map((name) => readFileSync(join(own, name), 'utf8'));
    // Both sides of a pipe run concurrently.
    return received.sort().map((args) => args.split('\0').slice(0, -1));
  });
}

class Parsed extends Error {}

/** Rejects with Parsed when the command line is valid, without running it. */
async function parse(argv: readonly string[]): Promise<void> {
  const io = {
    stdout: new RecordedStream(false),
    stderr: new RecordedStream(false),
    stdin: Readable.from([]),
    clock: createFakeClock(),
    signals: new EventEmitter(),
    env: {},
  };
  const program = createProgram(io);
  program.hook('preAction', () => {
    throw new Parsed();
  });
  await program.parseAsync([...argv], { from: 'user' });
}

describe('the examples of every help', () => {
  const shared = sharedByFile(examplesOfHelp);

  test('mean the same in each shell, and the command lines are valid', async () => {
    const shells = ['bash', 'dash', 'zsh'].filter((command) => present({ command }));
    expect(shells).toContain('bash');
    const examples = shared();
    const texts = examples.map(({ text }) => text);
    const [calls = [], ...others] = shells.map((shell) => callsIn(shell, texts));
    for (const other of others) expect(other).toEqual(calls);
    for (const [index, { path, text }] of examples.entries()) {
      expect([text, calls[index]?.length]).toEqual([text, text.split(/\bswob /).length - 1]);
      const isDefault = commands.find((command) => command.path === path)?.isDefault;
      const words = isDefault ? (path.split(' ')[0] ?? '') : path;
      const starts = (calls[index] ?? []).map((argv) => argv.join(' ').startsWith(words));
      expect([text, starts.includes(true)]).toEqual([text, true]);
      for (const argv of calls[index] ?? []) await expect(parse(argv), text).rejects.toThrow(Parsed);
    }
  });

  test('contain no unquoted text that zsh takes for a pattern, whether or not zsh is installed', () => {
    for (const { text } of shared()) {
      const bare = text.replaceAll(/'[^']*'|"[^"]*"/g, 'quoted');
      expect(bare).not.toMatch(/[[\]?*^{}!~#]|(?:^|\s)=/);
    }
  });
});
