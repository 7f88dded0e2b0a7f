// What the PCRF's answers to a query for a session mean.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { createPcrf } from '../../src/upstream/pcrf.ts';
import { presenceIn } from '../../src/upstream/pcrf-answers.ts';
import { createMemoryLog } from '../support/log.ts';
import { onEnd } from '../support/teardown.ts';
import { session } from './pcrf-client.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

test.each([
  [404, 'anything', 'gone'],
  [200, '[]', 'gone'],
  [200, 'null', 'gone'],
  [200, '{"count":0,"sessions":[]}', 'gone'],
  [200, '[{"session":"1"}]', 'present'],
  [200, '{"session":"1"}', 'present'],
  [200, '{"success":true,"sessions":[{"session":"1"}]}', 'present'],
  [200, '{}', 'unknown'],
  [200, '', 'unknown'],
  [200, '<html>', 'unknown'],
  [200, 'true', 'unknown'],
  [200, '{"success":false}', 'unknown'],
  [200, '{"error":"no such method"}', 'unknown'],
  [204, '', 'unknown'],
  [302, '', 'unknown'],
  [500, '[]', 'unknown'],
])('%d %s: %s', (status, body, presence) => {
  expect(presenceIn({ kind: 'response', status, headers: {}, body: Buffer.from(body) })).toBe(presence);
});

test('a query goes to the next server also when the first one broke it off', async () => {
  const broken = await startRawServer((socket) => void socket.destroy());
  const good = await startRawServer((socket) => void socket.write(httpResponse('[]')));
  const pcrf = createPcrf({
    servers: [broken, good].map(({ port }) => ({ host: '127.0.0.1', port })),
    ...{ retriesUnsafe: false, pauseMs: 10_000, sessionPath: '/s/{session}', timeoutMs: 60_000 },
    pool: { min: 0, max: 1, waitTimeoutMs: 5_000 },
    clock: systemClock,
    log: createMemoryLog(),
  });
  onEnd(async () => void (await pcrf.close()));
  expect(await pcrf.query(session, 60_000)).toEqual({ presence: 'gone' });
  expect(good.requests[0]).toMatch(/^GET \/s\/5692549928996307964 HTTP/);
});
