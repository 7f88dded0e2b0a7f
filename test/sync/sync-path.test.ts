// The paths of the sync websocket.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initUrl } from '../../src/domain/shared/urls.ts';
import { parseSyncPath } from '../../src/sync/protocol.ts';

const id = fc.string({ unit: 'grapheme', minLength: 1 });
const query = fc.constantFrom('', '?', '?a=b', '?x=%zz', '?a/b/c', '?%00');

test('parses the path of any user and session, and ignores a query', () => {
  fc.assert(
    fc.property(fc.constantFrom('init', 'pause', 'ack'), id, id, query, (action, userId, sessionId, rest) => {
      const path = `/v2/sync/${action}/${encodeURIComponent(userId)}/${encodeURIComponent(sessionId)}`;
      expect(parseSyncPath(path + rest)).toEqual({ action, userId, sessionId });
    }),
  );
});

test('parses the URL that clients receive', () => {
  fc.assert(
    fc.property(id, id, (userId, sessionId) => {
      const url = initUrl('ws://127.0.0.1:6996', userId, sessionId);
      expect(parseSyncPath(url.replace('ws://127.0.0.1:6996', ''))).toEqual({
        action: 'init',
        userId,
        sessionId,
      });
    }),
  );
});

test('rejects any other path', () => {
  const bad = [
    '',
    '/',
    '*',
    '/v2/sync/init/u',
    '/v2/sync/init/u/',
    '/v2/sync/init//s',
    '/v2/sync/init/u/s/',
    '/v2/sync/init/u/s/t',
    '/v2/sync/other/u/s',
    '/v2/sync/INIT/u/s',
    '/v2/sync/in%69t/u/s',
    '//v2/sync/init/u/s',
    'v2/sync/init/u/s',
    '/v2/sync/init/u/s#f',
    '/v2/sync/init/%zz/s',
    '/v2/sync/init/u/%',
    '/v2/sync/init/%ff/s',
    'http://evil.example/v2/sync/init/u/s',
  ];
  for (const path of bad) expect([path, parseSyncPath(path)]).toEqual([path, undefined]);
});

test('parses or rejects any text without an error', () => {
  const parts = fc.constantFrom(
    '/',
    'v2',
    'sync',
    'init',
    '%',
    '%2',
    '%2f',
    '%zz',
    '?',
    '#',
    '..',
    '\0',
    'é',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(parts, fc.string())), (all) => {
      const path = parseSyncPath(all.join(''));
      if (path) expect(['init', 'pause', 'ack']).toContain(path.action);
    }),
  );
});
