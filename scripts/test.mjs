// `npm test`: lint and format, types, unused code, then the tests; stops at the first that fails. Arguments go to vitest;
// with --tests-only first, only the tests run, and with --checks-only, only the checks. Files with failed tests run once
// more, alone, which shows unstable tests from failing ones. Its last line is `N passed, N failed`, but for checks that pass alone. However it ends,
// also by a signal or a test that hangs, no process and no temporary file is left.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endProcesses } from './process-tree.mjs';
import { createTemporaryFolder } from './temporary-folder.mjs';
import { conclude, createResults, failedFiles } from './test-results.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Timeout of a check, which takes seconds. */
const checkMs = 1_200_000;
/** Until vitest has reported the timeout of tests. */
const startMs = 600_000;
const namedFailures = 20;
/** More failed files than that have a common cause: they do not run again. */
const repeatedFiles = 10;

/** By default each of four checkers resolves the types that they share, which takes half as much CPU time again as with two. */
const checkers = ['--checkers', '2'];

const checks = [
  {
    name: 'lint and format (npm run format mends most of it)',
    script: '@biomejs/biome/bin/biome',
    args: ['check', '.'],
  },
  { name: 'types', script: 'typescript/bin/tsc', args: checkers },
  { name: 'types of the web pages', script: 'typescript/bin/tsc', args: ['-p', 'src/web', ...checkers] },
  { name: 'unused code', script: 'knip/bin/knip.js', args: [] },
];

/** Holds all temporary files of the run; its name in the environment marks the processes of the run. */
const folder = createTemporaryFolder();
let child;
/** The signal that ends the run. */
let signal;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    if (signal) return;
    signal = name;
    process.stdout.write(`\nstopped by ${name}\n`);
    if (child) endProcesses({ root: child.pid, mark: folder });
  });
}

/** Runs a program of node_modules; `limit(stop)` may end it with a reason. Resolves to its exit code, null by a signal. */
async function run(script, args, { env, stdio, onStart = () => {} }) {
  const path = join(root, 'node_modules', script);
  // In its own process group: this process handles Ctrl-C and ends the group.
  child = spawn(process.execPath, [path, ...args], { cwd: root, env, stdio, detached: true });
  onStart(child);
  const code = await new Promise((resolve) => child.once('error', () => resolve(1)).once('close', resolve));
  child = undefined;
  return code;
}

function stop(message) {
  process.stdout.write(`\n${message}\n`);
  if (child) endProcesses({ root: child.pid, mark: folder });
}

const minutes = (ms) => `${Math.round(ms / 6_000) / 10} minutes`;

/** True when every check passes; shows the output of the first that does not. */
async function check() {
  for (const { name, script, args } of checks) {
    let output = '';
    const timer = setTimeout(() => stop(`not done after ${minutes(checkMs)}: ${name}`), checkMs);
    const code = await run(script, args, {
      env: process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      onStart: ({ stdout, stderr }) => {
        for (const stream of [stdout, stderr])
          stream.setEncoding('utf8').on('data', (text) => (output += text));
      },
    });
    clearTimeout(timer);
    if (signal) return false;
    if (code === 0) continue;
    process.stdout.write(`${output}\nfailed: ${name}\n`);
    return false;
  }
  return true;
}

/** Counts of the tests; an interrupted run, or one without tests, has failed. */
async function test(args) {
  const first = await runTests(args);
  const files = first.isOver && !signal ? failedFiles(first) : [];
  let second;
  if (files.length > repeatedFiles) {
    process.stdout.write(`${files.length} files failed: too many to run them again\n`);
  } else if (files.length > 0) {
    process.stdout.write('\nThe files with failures run once more, alone:\n');
    endLeft();
    const again = await runTests([...(await withoutFilters(args)), '--maxWorkers=1', ...files]);
    if (again.isOver) second = again;
  }
  const { counts, failures, unstable } = conclude(first, second);
  // Repeated at the end: vitest may have printed them far above.
  for (const failure of failures.slice(0, namedFailures)) process.stdout.write(`failed: ${failure}\n`);
  for (const test of unstable.slice(0, namedFailures)) process.stdout.write(`unstable: ${test}\n`);
  if (unstable.length > 0) process.stdout.write(`${unstable.length} unstable\n`);
  return { ...counts, failed: first.isOver ? counts.failed : Math.max(1, counts.failed) };
}

/** Runs vitest. The run is over when it came to its end; a failure of vitest without a failed test is not such an end. */
async function runTests(args) {
  const results = createResults();
  let timer;
  const watch = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const running = [...results.running].map((name) => `\n  ${name}`).join('');
      stop(
        `no test has begun or ended for ${minutes(ms)}; the run is stopped. It was at:${running || ' none'}`,
      );
    }, ms);
  };
  watch(startMs);
  const code = await run(
    'vitest/vitest.mjs',
    ['run', '--reporter=default', `--reporter=${reporter}`, ...args],
    {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      onStart: (vitest) => {
        vitest.on('message', (message) => {
          results.take(message);
          // vitest ends a test at its timeout, unless the test blocks its process.
          watch(2 * results.testTimeout);
        });
      },
    },
  );
  clearTimeout(timer);
  const explains = code === 0 || conclude(results).failures.length > 0;
  return { ...results, isOver: results.isOver && explains };
}

/** The arguments without those that choose files. */
async function withoutFilters(args) {
  const { parseCLI } = await import('vitest/node');
  const { filter } = parseCLI(['vitest', 'run', ...args]);
  return args.filter((arg) => !filter.includes(arg));
}

/** Ends processes that a test left running, and names them. */
function endLeft() {
  const left = endProcesses({ mark: folder });
  if (!signal) for (const command of left) process.stdout.write(`was left running by a test: ${command}\n`);
}

/** Ends processes that a test left running, and removes the folder. */
function cleanUp() {
  endLeft();
  const mounts = existsSync('/proc/self/mounts') ? readFileSync('/proc/self/mounts', 'utf8').split('\n') : [];
  for (const [, place = ''] of mounts.map((line) => line.split(' ')))
    if (place.startsWith(folder)) spawnSync('umount', ['--lazy', place]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

const reporter = join(root, 'scripts', 'results-reporter.mjs');
const [first, ...rest] = process.argv.slice(2);
const testsOnly = first === '--tests-only';
const checksOnly = first === '--checks-only';
const args = testsOnly ? rest : process.argv.slice(2);
let counts = { passed: 0, failed: 1, skipped: 0 };
try {
  if (testsOnly || (await check())) counts = checksOnly ? { ...counts, failed: 0 } : await test(args);
} finally {
  cleanUp();
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const hasRun = !checksOnly || counts.failed > 0;
  if (hasRun) process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
}
process.exitCode = counts.failed === 0 ? 0 : 1;
if (signal) {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}
