// The summary of CPU profiles that `npm run bench -- --cpu-prof` prints.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createGroupLookup, profileLines } from '../../scripts/bench/profile-summary.ts';
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
])('%s %s is counted as %s', (url, functionName, group) => {
  expect(createGroupLookup()(frame(functionName, url))).toBe(group);
});

test('bundled code counts for its source, and idle time is ignored', () => {
  const folder = temporaryFolder();
  const bundle = join(folder, 'bundle.js');
  // Maps its first line to the first line of ../src/http/server.ts.
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

test('code that the bundler added counts for the bundle', () => {
  const bundle = join(temporaryFolder(), 'bundle.js');
  writeFileSync(`${bundle}.map`, JSON.stringify({ version: 3, sources: [], names: [], mappings: 'A' }));
  expect(createGroupLookup()(frame('require', pathToFileURL(bundle).href))).toBe(bundle);
});
