// The environment of a benchmark run: its folder, child processes and CPU cores. Created by main.ts, used by every benchmark.

import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { inspectMachine, type Machine, type Role } from './machine.ts';
import { type Child, startChild } from './processes.ts';

export const root = resolve(import.meta.dirname, '../..');
export const swobScript = join(root, 'bin', 'swob');

/** What a process has written to stderr is emptied above this size. */
const maxLogBytes = 16 * 1024 * 1024;

export interface Effort {
  /** Rounds of ours and of the baseline, each. */
  readonly rounds: number;
  /** Seconds of load in a round. */
  readonly seconds: number;
  /** A smoke run: also fewer sockets and users. */
  readonly quick: boolean;
  /** Folder for CPU profiles of the daemons; undefined: no profiling, which costs time. */
  readonly profiles: string | undefined;
  /** The Redis store of the daemons; undefined: a folder. */
  readonly storeUrl?: string;
  /** Whether servers and load run on separate cores. */
  readonly pin: boolean;
  /** Users of the largest store of C10. */
  readonly users: number;
  /** The folder of the replaced server; undefined: it is not measured. */
  readonly old: string | undefined;
}

interface NodeOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What depends on the Node that the measured processes run with. */
interface OnNode {
  /** Its path. */
  readonly node: string;
  /** Runs node with the arguments on the cores of the role; the load always has the Node of this process. */
  startNode(role: Role, name: string, args: readonly string[], options?: NodeOptions): Child;
  /** Runs a script of children/, by name; `nodeFlags` are flags of node. */
  startScript(role: Role, script: string, args?: readonly string[], nodeFlags?: readonly string[]): Child;
}

export interface BenchEnvironment extends Effort, OnNode {
  readonly machine: Machine;
  /** The compiled file of a script of children/. */
  scriptPath(script: string): string;
  /** A new empty folder. */
  folder(): Promise<string>;
  /** The same for another Node. */
  onNode(path: string): OnNode;
  /** Runs any other program, on the cores of the load. */
  startProgram(command: string, args: readonly string[]): Child;
  /** Runs any other program in a folder, on the core of the server. */
  startServerProgram(name: string, command: string, args: readonly string[], cwd: string): Child;
  /** Empties what processes have written to stderr where it is large, in long runs. */
  trimLogs(): Promise<void>;
  /** Prints progress to stderr. */
  reportProgress(text: string): void;
  /** Stops every process and removes every folder; idempotent. No process can be started afterwards. */
  close(): Promise<void>;
}

export async function createBenchEnvironment(
  effort: Effort,
  say: (text: string) => void,
): Promise<BenchEnvironment> {
  const machine = inspectMachine(effort.pin);
  const home = await mkdtemp(join(tmpdir(), 'swob-bench-'));
  const scripts = await buildChildren();
  const children: Child[] = [];
  let folders = 0;

  const logs: string[] = [];
  let closed: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    await rm(home, { recursive: true, force: true });
    await rm(scripts, { recursive: true, force: true });
  };
  const start = (
    role: Role,
    name: string,
    [command, args]: readonly [string, readonly string[]],
    { cwd = home, ...options }: NodeOptions = {},
  ): Child => {
    // A benchmark goes on while a signal ends the run, and nothing would stop what it starts.
    if (closed) throw new Error(`${name}: the run is ending`);
    const [placed, placedArgs] = machine.place(role, command, args);
    const stderrFile = join(home, `${children.length}-${name.replaceAll(/\W+/g, '-')}.log`);
    const child = startChild(placed, placedArgs, { name, cwd, stderrFile, ...options });
    children.push(child);
    logs.push(stderrFile);
    return child;
  };
  const onNode = (node: string): OnNode => {
    const startNode: OnNode['startNode'] = (role, name, args, options) =>
      start(role, name, [role === 'server' ? node : process.execPath, args], options);
    return {
      ...{ node, startNode },
      startScript: (role, script, args = [], nodeFlags = []) =>
        startNode(role, script, [...nodeFlags, join(scripts, `${script}.js`), ...args]),
    };
  };

  return {
    ...effort,
    machine,
    reportProgress: say,
    folder: async () => {
      const folder = join(home, `folder-${folders++}`);
      await mkdir(folder);
      return folder;
    },
    scriptPath: (script) => join(scripts, `${script}.js`),
    onNode,
    ...onNode(process.execPath),
    startProgram: (command, args) => start('load', command, [command, args]),
    startServerProgram: (name, command, args, cwd) => start('server', name, [command, args], { cwd }),
    trimLogs: async () => {
      for (const file of logs) if ((await stat(file)).size > maxLogBytes) await truncate(file);
    },
    close: () => (closed ??= closeAll()),
  };
}

/** Compiled to JavaScript, so that no loader uses memory in a measured process. */
async function buildChildren(): Promise<string> {
  const source = join(import.meta.dirname, 'children');
  // Inside the checkout, so that packages resolve.
  await mkdir(join(root, 'dist-bench'), { recursive: true });
  const outdir = await mkdtemp(join(root, 'dist-bench', 'run-'));
  await build({
    entryPoints: readdirSync(source).map((name) => join(source, name)),
    outdir,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  });
  return outdir;
}

/** An HTTP server in a process of its own. */
export interface Server {
  readonly url: string;
  readonly child: Child;
}

/** Starts a server of children/ and waits for the URL that it prints. */
export async function startServer(
  environment: BenchEnvironment,
  role: Role,
  script: string,
  args: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Server> {
  const child = environment.startScript(role, script, args, nodeFlags);
  const { url }: { url: string } = JSON.parse(await child.nextLine());
  return { url, child };
}
