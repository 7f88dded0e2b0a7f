// Finds and ends all descendants of a test run. Used by test.mjs and results-reporter.mjs.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const attempts = 20;
const pauseMs = 50;
/** The folder name that `mkdtemp` creates from test.mjs's prefix: nothing else may count as a mark. */
const isMark = (mark) => /\/swob-run-\w{6}$/.test(mark);

/**
 * Ends the processes of a run, and those that they start meanwhile. Never this process.
 * @param {{ root?: number | undefined, mark: string }} run as `processesOf` has it
 * @returns {string[]} their command lines
 */
export function endProcesses(run) {
  const ended = new Map();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = processesOf(run);
    if (found.size === 0) break;
    for (const [pid, command] of found) {
      ended.set(pid, command);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has already exited.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
  return [...ended.values()];
}

/**
 * Command lines by pid of the process `root`, which this one has started or is, and all below it; and on Linux of those
 * whose TMPDIR or HOME is the folder `mark` or lies in it, and all below them: their parent may be gone.
 */
export function processesOf({ root, mark }) {
  if (!isMark(mark)) throw new Error(`${mark} is not the folder of a run`);
  if (root !== undefined && !(Number.isSafeInteger(root) && root > 1))
    throw new Error(`${root} is no process`);
  const all = existsSync('/proc/self/stat') ? readProc(mark) : readPs();
  const found = new Map();
  const add = (pid) => {
    if (found.has(pid)) return;
    found.set(pid, all.get(pid)?.command);
    for (const [child, { parent }] of all) if (parent === pid) add(child);
  };
  if (root !== undefined && all.has(root)) add(root);
  for (const [pid, { isMarked }] of all) if (isMarked) add(pid);
  found.delete(process.pid);
  if (found.has(process.ppid)) throw new Error('the process that started this one is no part of the run');
  return found;
}

function readProc(mark) {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file) => readFileSync(`/proc/${name}/${file}`, 'utf8');
    try {
      // The command, in parentheses, may contain anything.
      const [state, parent] = read('stat')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (state === 'Z') continue;
      const command = read('cmdline').replaceAll('\0', ' ').trim();
      all.set(Number(name), { parent: Number(parent), command, isMarked: hasMark(read, mark) });
    } catch {
      // It has exited meanwhile.
    }
  }
  return all;
}

function hasMark(read, mark) {
  try {
    return read('environ')
      .split('\0')
      .some((variable) => {
        const [, place] = /^(?:TMPDIR|HOME)=(.*)$/s.exec(variable) ?? [];
        return place === mark || place?.startsWith(`${mark}/`) === true;
      });
  } catch {
    // It belongs to another user.
    return false;
  }
}

function readPs() {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' });
  const lines = [...(stdout ?? '').matchAll(/^ *(\d+) +(\d+) +([^ ]+) +(.*)$/gm)];
  return new Map(
    lines
      .filter(([, , , state]) => !state.startsWith('Z'))
      .map(([, pid, parent, , command]) => [
        Number(pid),
        { parent: Number(parent), command, isMarked: false },
      ]),
  );
}
