// A log that cannot be written must not hurt what is logged.

import { expect, test } from 'vitest';
import { createLog } from '../../src/app/logging.ts';

test('a stream that throws loses the line and nothing else', () => {
  const log = createLog('info', {
    write: () => {
      throw new Error('ENOSPC');
    },
  });
  expect(() => log.error({ file: 'x' }, 'not written')).not.toThrow();
});

test('lines are JSON with time, level and fields, from the level on', () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line) => lines.push(line) });
  log.info({}, 'below');
  log.warn({ userId: 'alice' }, 'seen');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 40,
    userId: 'alice',
    msg: 'seen',
    time: expect.stringMatching(/Z$/),
  });
});
