// Reads every source file and holds it to the house plan; made-up files show that the check can fail.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { breaches, importsOf } from './rules.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ path: `src/${name}`, text: readFileSync(`src/${name}`, 'utf8') }));

test('every source file keeps to the house plan', async () => {
  expect(sources.length).toBeGreaterThan(10);
  expect(await breaches(sources)).toEqual([]);
});

/** Path, code below the opening line, and the one breach that is expected; empty: none. */
const madeUp: [path: string, code: string, breach: string][] = [
  [
    'src/domain/a.ts',
    "import { x } from '../store/x.ts';",
    'domain imports upwards from store (src/store/x.ts)',
  ],
  [
    'src/domain/a.ts',
    "import type { X } from '../gateway/x.ts';",
    'domain imports upwards from gateway (src/gateway/x.ts)',
  ],
  ['src/domain/a.ts', "export { x } from '../app/x.ts';", 'domain imports upwards from app (src/app/x.ts)'],
  ['src/config/a.ts', "import '../crypto/x.ts';", 'config imports upwards from crypto (src/crypto/x.ts)'],
  [
    'src/errors.ts',
    "import { x } from './config/x.ts';",
    'errors.ts imports upwards from config (src/config/x.ts)',
  ],
  [
    'src/config/a.ts',
    "import { now } from '../domain/ports.ts';",
    'config imports upwards from domain (src/domain/ports.ts)',
  ],
  ['src/config/a.ts', "import type { Clock } from '../domain/ports.ts';", ''],
  ['src/crypto/a.ts', "import type {\n  Seed,\n} from '../domain/model.ts';", ''],
  [
    'src/gateway/a.ts',
    "import { x } from '../sync/x.ts';",
    'gateway imports its neighbour sync (src/sync/x.ts)',
  ],
  [
    'src/sync/a.ts',
    "const x = await import('../disconnect/x.ts');",
    'sync imports its neighbour disconnect (src/disconnect/x.ts)',
  ],
  ['src/gateway/a.ts', "import { seeds } from '../domain/seeds.ts';", ''],
  [
    'src/gateway/a.ts',
    "import { m } from '../store/memory.ts';",
    'names the adapter src/store/memory.ts; only src/app/compose/ may',
  ],
  [
    'src/app/lifecycle.ts',
    "import { u } from '../upstream/users.ts';",
    'names the adapter src/upstream/users.ts; only src/app/compose/ may',
  ],
  ['src/app/compose/start.ts', "import { m } from '../../store/memory.ts';", ''],
  ['src/store/lowdb.ts', "import { m } from './memory.ts';", ''],
  [
    'src/app/compose/start.ts',
    "import { s } from '../../stubs/users.ts';",
    'names the adapter src/stubs/users.ts; only src/cli/ may',
  ],
  ['src/cli/commands/stub.ts', "const { s } = await import('../../stubs/users.ts');", ''],
  ['src/attic/a.ts', "import { x } from '../errors.ts';", 'attic has no floor in the house plan'],
  ['src/gateway/a.ts', "import { Command } from 'commander';", 'imports commander, which belongs to cli'],
  [
    'src/cli/a.ts',
    "import swagger from '@fastify/swagger';",
    'imports @fastify/swagger, which belongs to gateway',
  ],
  ['src/store/a.ts', "import { JSONFile } from 'lowdb/node';", ''],
  ['src/sync/a.ts', "import leftPad from 'left-pad';", 'imports left-pad, which no room owns yet'],
  [
    'src/domain/a.ts',
    "import { LRUCache } from 'lru-cache';",
    'imports lru-cache, which belongs to store, upstream, gateway, sync, stubs, telecom',
  ],
  [
    'src/domain/a.ts',
    "import { readFileSync } from 'node:fs';",
    'the domain does no IO, but imports node:fs',
  ],
  [
    'src/domain/a.ts',
    "import { randomUUID } from 'node:crypto';",
    'the domain does no IO, but imports node:crypto',
  ],
  ['src/store/a.ts', "import { readFileSync } from 'node:fs';", ''],
  ['src/cli/a.ts', 'const x = await import(name);', 'imports a module by a computed name'],
  ['src/store/a.ts', 'const folder = process.env.HOME;', 'uses process.env'],
  ['src/store/a.ts', "const folder = process['env'].HOME;", 'uses process.env'],
  ['src/config/a.ts', 'const folder = process.env.HOME;', ''],
  ['src/store/a.ts', "import { env } from 'node:process';", 'imports node:process; use the global'],
  ['src/cli/a.ts', 'process.exit(1);', 'uses process.exit'],
  ['src/cli/a.ts', 'process.exitCode = 1;', ''],
  ['src/app/lifecycle.ts', 'process.exit(1);', ''],
  ['src/cli/printer.ts', "console.error('no');", 'uses console'],
  ['src/cli/printer.ts', "// console.error\nconst text = 'console.error, process.exit(1)';", ''],
  ['src/cli/a.ts', 'x();\n'.repeat(299), ''],
  ['src/cli/a.ts', 'x();\n'.repeat(300), '301 lines, more than 300'],
];

test.each(madeUp)('a made-up %s with %j: %s', async (path, code, breach) => {
  const found = await breaches([{ path, text: `// A made-up file.\n${code}` }]);
  expect(found).toEqual(breach === '' ? [] : [`${path}: ${breach}`]);
});

test('a file that does not open with its purpose is found', async () => {
  const [fault] = await breaches([{ path: 'src/cli/a.ts', text: 'export const x = 1;\n' }]);
  expect(fault).toBe('src/cli/a.ts: does not open with a // line that says what it is for');
});

test('imports are read in every form, and in comments not at all', () => {
  const text = [
    '// import { no } from "comment";',
    " * import('./no.ts') in a JSDoc",
    "import 'a';",
    "import b, { type B } from 'b';",
    "import * as c from 'c';",
    "import type { D } from 'd';",
    "import {\n  e,\n  type E,\n} from 'e';",
    "export * from 'f';",
    "export type { G } from 'g';",
    "export const text = 'not an import';",
    "  const h = await import('h');",
    "const i = createRequire(import.meta.url)('i'); require('j');",
  ].join('\n');
  const found = importsOf(text);
  expect(found.map(({ target }) => target).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j']);
  expect(found.filter(({ typeOnly }) => typeOnly).map(({ target }) => target)).toEqual(['d', 'g']);
});
