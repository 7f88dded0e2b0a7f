// `npm test`: lint and format, types, unused code, then the tests; stops at the first that fails. Arguments go
// to vitest; with --tests-only first, the tests alone run. Its last line is always `N passed, N failed`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const timeLimitMs = 900_000;
const namedFailures = 20;

const checks = [
  {
    name: 'lint and format (npm run format mends most of it)',
    script: '@biomejs/biome/bin/biome',
    args: ['check', '.'],
  },
  { name: 'types', script: 'typescript/bin/tsc', args: [] },
  { name: 'unused code', script: 'knip/bin/knip.js', args: [] },
];

function run(script, args, options) {
  const path = join(root, 'node_modules', script);
  return spawnSync(process.execPath, [path, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: timeLimitMs,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
}

/** True when every check passes; shows the output of the first that does not. */
function check() {
  for (const { name, script, args } of checks) {
    const { status, stdout, stderr } = run(script, args);
    if (status === 0) continue;
    process.stdout.write(`${stdout}${stderr}\nfailed: ${name}\n`);
    return false;
  }
  return true;
}

/** Counts of the run; one that broke off, or that found nothing to run, has failed. */
function test(args) {
  const folder = mkdtempSync(join(tmpdir(), 'swob-test-'));
  const file = join(folder, 'results.json');
  try {
    const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'results-reporter.mjs')}`];
    const env = { ...process.env, TEST_RESULTS_FILE: file };
    const { status } = run('vitest/vitest.mjs', ['run', ...reporters, ...args], { env, stdio: 'inherit' });
    const { counts, failures } = JSON.parse(readFileSync(file, 'utf8'));
    // Once more, last: what vitest prints of them can be far above.
    for (const failure of failures.slice(0, namedFailures)) process.stdout.write(`failed: ${failure}\n`);
    return { ...counts, failed: status === 0 ? counts.failed : Math.max(1, counts.failed) };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
const testsOnly = first === '--tests-only';
const args = testsOnly ? rest : process.argv.slice(2);
const counts = testsOnly || check() ? test(args) : { passed: 0, failed: 1, skipped: 0 };
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed === 0 ? 0 : 1;
