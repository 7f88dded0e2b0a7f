// `npm test` runs files with failures once more, alone: what passes then is reported as unstable, what fails again has
// failed, and nothing is counted twice.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linesOf, startRun } from '../support/test-script.ts';

/** The start of a test file; `isFirst` is true in the first run. */
const counted = `
  import { appendFileSync, readFileSync } from 'node:fs';
  const file = import.meta.filename + '.runs';
  appendFileSync(file, 'run\\n');
  const isFirst = readFileSync(file, 'utf8').split('\\n').length === 2;
  const fail = (text) => { throw new Error(text); };
`;

const fails = (when: string): Readonly<Record<string, string>> => ({
  'in-test': `${counted}
    test('good', () => {});
    test.each([1, 2])('same name', (n) => { if (n === 2 && ${when}) fail('in a test\\nwith more lines'); });
    test.skip('skipped', () => {});`,
  timeout: `${counted}
    test('waits', { timeout: ${when} ? 200 : 60_000 }, async () => { if (${when}) await new Promise(() => {}); });`,
  loading: `${counted}
    if (${when}) fail('at the start');
    test('a', () => {});
    test('b', () => {});`,
  hook: `${counted}
    describe('group', () => {
      beforeAll(() => { if (${when}) fail('in a hook'); });
      test('a', () => {});
      test('b', () => {});
    });
    test('outside', () => {});`,
  unhandled: `${counted}
    test('good', async () => {
      if (${when}) setTimeout(() => fail('later'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    });`,
});

const failures = [
  'hook.test.ts > group: in a hook',
  'in-test.test.ts > same name: in a test',
  'loading.test.ts: at the start',
  'outside of any test: later',
  'timeout.test.ts > waits: Test timed out in 200ms.',
];

test('what fails once alone is unstable, and counts as passed', async () => {
  const run = startRun(fails('isFirst'));
  expect(await run.running.exit).toEqual({ code: 0, signal: null });
  const lines = linesOf(run);
  expect(lines.filter((line) => line.startsWith('unstable: ')).sort()).toEqual(
    failures.map((line) => `unstable: ${line}`),
  );
  expect(lines.slice(-2)).toEqual(['5 unstable', '10 passed, 0 failed, 1 skipped']);
  expect(readdirSync(run.folder)).toEqual([]);
});

test('what fails twice has failed, and is counted once', async () => {
  const run = startRun({ ...fails('true'), good: `${counted} test('good', () => {});` });
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  const lines = linesOf(run);
  expect(lines.filter((line) => line.startsWith('failed: ')).sort()).toEqual(
    failures.map((line) => `failed: ${line}`),
  );
  expect(lines).not.toContainEqual(expect.stringContaining('unstable'));
  // The two tests of the group and the skipped one are skipped.
  expect(lines.at(-1)).toBe('5 passed, 5 failed, 3 skipped');
  // A file without a failure runs once.
  expect(readFileSync(join(run.root, 'good.test.ts.runs'), 'utf8')).toBe('run\n');
});

test('what fails the second time alone is unstable too; arguments apply to both runs, and files of them are replaced', async () => {
  const text = `${counted}
    test('bad', () => fail('always'));
    test('worse', () => { if (!isFirst) fail('alone'); });
    test('other', () => fail('not chosen'));`;
  const run = startRun({ one: text, 'one-more': text, two: text }, ['-t', '(bad|worse)', 'one']);
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  expect(linesOf(run).slice(-4)).toEqual([
    'unstable: one-more.test.ts > worse: alone',
    'unstable: one.test.ts > worse: alone',
    '2 unstable',
    '2 passed, 2 failed, 2 skipped',
  ]);
  expect(readdirSync(run.root).filter((name) => name.endsWith('.runs'))).toHaveLength(2);
});

test('a second run that does not come to its end excuses nothing', async () => {
  const run = startRun({
    one: `${counted}
      test('bad', () => { if (isFirst) fail('once'); });
      test('ends', { timeout: 1e6 }, async () => { if (!isFirst) { console.log('waits'); await new Promise(() => {}); } });`,
  });
  await run.running.waitForOutput('stdout', 'waits');
  run.running.kill('SIGTERM');
  expect(await run.running.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(linesOf(run).slice(-2)).toEqual(['failed: one.test.ts > bad: once', '1 passed, 1 failed']);
});

test('more than ten failed files do not run again', async () => {
  const text = `${counted} test('bad', () => { if (isFirst) fail('once'); });`;
  const names = Array.from({ length: 11 }, (_, n) => `file-${n}`);
  const run = startRun(Object.fromEntries(names.map((name) => [name, text])));
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  expect(run.running.stdout()).toContain('11 files failed: too many to run them again\n');
  expect(linesOf(run).at(-1)).toBe('0 passed, 11 failed');
});

test('a worker that dies is a failure, also when its file passes alone', async () => {
  const run = startRun({
    one: `${counted} test('dies', () => { if (isFirst) process.kill(process.pid, 'SIGKILL'); });`,
  });
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  const lines = linesOf(run);
  expect(lines).toContain('failed: outside of any test: [vitest-pool]: Worker forks emitted error.');
  expect(lines.at(-1)).toMatch(/^1 passed, 1 failed$/);
});
