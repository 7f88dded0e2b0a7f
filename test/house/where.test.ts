// The summary of CPU profiles that `npm run bench -- --cpu-prof` prints.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { profileLines, roomFinder } from '../../scripts/bench/where.ts';
import { temporaryFolder } from '../support/folders.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0, columnNumber: 0 });

test.each([
  ['', 'writev', 'writev'],
  ['node:_http_server', 'onRequest', 'node:http'],
  ['node:internal/streams/writable', 'write', 'node:streams'],
  ['node:internal/crypto/sig', 'verify', 'node:crypto'],
  ['node:events', 'emit', 'node:events'],
  ['file:///app/node_modules/fastify/lib/reply.js', 'send', 'fastify'],
  ['/app/node_modules/a/node_modules/@b/c/index.js', 'f', '@b/c'],
  ['file:///app/src/store/lowdb/seeds.ts', 'ping', 'src/store'],
])('%s %s is counted as %s', (url, functionName, room) => {
  expect(roomFinder()(frame(functionName, url))).toBe(room);
});

test('what is bundled is counted where it came from, and idle time not at all', () => {
  const folder = temporaryFolder();
  const bundle = join(folder, 'bundle.js');
  // Its first line is the first of ../src/http/server.ts.
  const map = { version: 3, sources: ['../src/http/server.ts'], names: [], mappings: 'AAAA' };
  writeFileSync(`${bundle}.map`, JSON.stringify(map));
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('start', pathToFileURL(bundle).href) },
      { id: 3, callFrame: frame('(garbage collector)') },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [1_000, 20, 25, 55],
  };
  const file = join(folder, 'x.cpuprofile');
  writeFileSync(file, JSON.stringify(profile));
  expect(profileLines(folder)).toEqual([`75% src/http, 25% (garbage collector) (${file})`]);
  expect(profileLines(join(folder, 'nothing'))).toEqual([]);
});

test('what the bundler has added, which is from no source, is counted as the bundle', () => {
  const bundle = join(temporaryFolder(), 'bundle.js');
  writeFileSync(`${bundle}.map`, JSON.stringify({ version: 3, sources: [], names: [], mappings: 'A' }));
  expect(roomFinder()(frame('require', pathToFileURL(bundle).href))).toBe(bundle);
});
