// A worker that the system does not start.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a worker for which there are no file descriptors left ends with the reason', async () => {
  const source = fileURLToPath(new URL('exhausted-primary.ts', import.meta.url));
  const shell = ['-c', 'ulimit -n 200; exec "$0" --import tsx "$1"', process.execPath, source];
  const { stdout } = await promisify(execFile)('sh', shell);
  expect(JSON.parse(stdout)).toMatchObject({ error: expect.stringContaining('EMFILE') });
});
