// Runs the commands of a documentation page as printed, in a fresh copy of the checkout; only ports are replaced by
// free ones. Used by the tests of README and docs, and by npm-start.test.ts.

import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { systemErrorCode } from '../../src/errors.ts';
import { temporaryFolder } from '../support/folders.ts';

const root = dirname(dirname(import.meta.dirname));

/**
 * Copies what a fresh clone contains, with uncommitted changes; with `built`, also dist, which takes seconds to build.
 */
export async function freshCopy({ built = false, folder = temporaryFolder() } = {}): Promise<string> {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  const paths = files.split('\0').filter((name) => name !== '');
  for (const parent of new Set(paths.map(dirname))) await mkdir(join(folder, parent), { recursive: true });
  for (const path of paths) {
    try {
      // With thousands of files it takes a tenth of the time of `cp`.
      copyFileSync(join(root, path), join(folder, path));
    } catch (error) {
      // Deleted, but the deletion is not committed.
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  if (built) {
    execFileSync('cp', ['-R', join(root, 'dist'), folder]);
    const { buildStamp, buildStampFile }: Stamps = await import(join(root, 'scripts', 'stamps.mjs'));
    await writeFile(join(folder, buildStampFile), buildStamp(folder));
  }
  return folder;
}

interface Stamps {
  readonly buildStampFile: string;
  buildStamp(root: string): string;
}

interface Running {
  output(): string;
  /** Resolves when the output matches; rejects with the output if the process ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exit: Promise<number | null>;
  /** Ends it and its child processes. */
  stop(): Promise<void>;
}

export interface Page {
  readonly markdown: string;
  /** The text of each ```sh block, in order. */
  readonly blocks: readonly string[];
  /** Replaces the printed ports by the free ones. */
  withPorts(text: string): string;
  /** Starts a command, which is ended when the test ends. */
  start(command: string): Running;
  /** Runs a command, which must succeed; returns its output. */
  run(command: string): Promise<string>;
}

/**
 * @param ports the free port for each printed one
 * @param env variables, with the printed ports
 */
export async function openPage(
  file: string,
  ports: Readonly<Record<number, number>>,
  env: Readonly<Record<string, string>>,
): Promise<Page> {
  const cwd = await freshCopy({ built: true });
  const printed = new RegExp(`\\b(${Object.keys(ports).join('|')})\\b`, 'g');
  const withPorts = (text: string): string => text.replace(printed, (port) => String(ports[Number(port)]));
  const environment: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: cwd };
  for (const [name, value] of Object.entries(env)) environment[name] = withPorts(value);

  const start = (command: string): Running => {
    // In a process group, so that the children of the shell are ended with it.
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
        for (const check of changed) check();
      });
    }
    const stop = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null && child.pid)
        process.kill(-child.pid, 'SIGTERM');
      await exit;
    };
    onTestFinished(async () => {
      await stop();
      expect(output).not.toContain('other users of this machine can see');
    });
    const until = (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(output);
          if (match) resolve(match);
        };
        changed.add(check);
        check();
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
      // Documentation shows good practice, so that none of its commands may cause this warning.
      expect(running.output()).not.toContain('other users of this machine can see');
      return running.output();
    },
  };
}
