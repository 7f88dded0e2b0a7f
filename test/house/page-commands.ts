// The commands of a page of documentation, run as they are printed in a fresh copy of the checkout. Only the ports
// are exchanged for free ones. Used by readme.test.ts and outgoing-page.test.ts.

import { execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';

const root = dirname(dirname(import.meta.dirname));

/** A copy of what git would give a newcomer, changes that are not committed included. */
async function freshCopy(): Promise<string> {
  const folder = temporaryFolder();
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(root, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not committed yet.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

interface Running {
  output(): string;
  /** Resolves when the output matches; rejects with the output when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exit: Promise<number | null>;
  /** Ends it, and what it has started, as Ctrl-C would. */
  stop(): Promise<void>;
}

export interface Page {
  readonly markdown: string;
  /** The text of each ```sh block, in order. */
  readonly blocks: readonly string[];
  /** Puts the free ports in the place of the printed ones. */
  withPorts(text: string): string;
  /** Starts a command, which ends with the test at the latest. */
  start(command: string): Running;
  /** Runs a command to its end, which must be good; its output. */
  run(command: string): Promise<string>;
}

/** `ports`: the free one for each that is printed; `env`: with the printed ones. */
export async function openPage(
  file: string,
  ports: Readonly<Record<number, number>>,
  env: Readonly<Record<string, string>>,
): Promise<Page> {
  const cwd = await freshCopy();
  const printed = new RegExp(`\\b(${Object.keys(ports).join('|')})\\b`, 'g');
  const withPorts = (text: string): string => text.replace(printed, (port) => String(ports[Number(port)]));
  const environment: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: cwd };
  for (const [name, value] of Object.entries(env)) environment[name] = withPorts(value);

  const start = (command: string): Running => {
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn('sh', ['-c', command], {
      cwd,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const changed = new Set<() => void>();
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += String(chunk);
        for (const look of changed) look();
      });
    }
    const stop = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null && child.pid)
        process.kill(-child.pid, 'SIGTERM');
      await exit;
    };
    onTestFinished(stop);
    const until = (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (match) resolve(match);
        };
        changed.add(look);
        look();
        void exit.then((code) => reject(new Error(`"${command}" ended with ${code}:\n${output}`)));
      });
    return { output: () => output, until, exit, stop };
  };

  const markdown = await readFile(join(root, file), 'utf8');
  return {
    markdown,
    blocks: [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block?.trim() ?? ''),
    withPorts,
    start,
    run: async (command) => {
      const running = start(command);
      expect(await running.exit, `${command}\n${running.output()}`).toBe(0);
      return running.output();
    },
  };
}
