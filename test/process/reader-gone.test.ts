// Long-running commands in a pipe whose reader has exited (`… | head -1`): they end immediately, not at the next write.

import { expect, test } from 'vitest';
import { runProcess, swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { startTestServices } from '../support/services.ts';

/** A command that ended only at its next write would exceed the time limit of a test. */
const never = '10m';

test('every command that waits exits with 0 when the reader of its output exits', async (context) => {
  needs(context, { command: 'bash' }, { command: 'tail' });
  const { gateway } = await startTestServices({ set: ['sync.session_sleep_timeout=1h'] });
  const commands = [
    `sync qr alice --json --url ${gateway}`,
    `sync qr bob --url ${gateway}`,
    `seeds ping 624010000000001 +237650000001 --every ${never} --url ${gateway}`,
    'stub users --user alice:x --quiet --port 0',
    'stub publisher --port 0 --json',
    'stub developer --port 0',
    'stub pcrf --port 0',
  ];
  const cwd = temporaryFolder();
  const ends = commands.map(async (command) => {
    const line = `"$0" "$1" -c /dev/null ${command} | head -1; echo "exit \${PIPESTATUS[0]}"`;
    const { stdout } = await runProcess('bash', ['-c', line, process.execPath, swobScript], { cwd });
    return [command, stdout.trim().split('\n').at(-1)];
  });
  expect(await Promise.all(ends)).toEqual(commands.map((command) => [command, 'exit 0']));
});

test('a command whose output is still read keeps running and leaves no child process behind', async (context) => {
  needs(context, { command: 'bash' }, { command: 'tail' }, { command: 'timeout' });
  // Longer than the child process takes to start.
  const run = 'timeout --preserve-status -s INT 2 "$0" "$1" -c /dev/null stub pcrf --port 0';
  const line = `${run} | cat; echo "exit \${PIPESTATUS[0]}"`;
  const { stdout } = await runProcess('bash', ['-c', line, process.execPath, swobScript], {
    cwd: temporaryFolder(),
  });
  // `cat` read the end of the pipe, so no other process holds it open.
  expect(stdout).toMatch(/^PCRF stub ready at \S+\nexit 130\n$/);
});
