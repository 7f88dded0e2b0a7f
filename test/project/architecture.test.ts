// Checks every source file against the architecture rules; sample files prove that the check can fail.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findViolations, importsOf, lengthViolations } from './rules.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ path: `src/${name}`, text: readFileSync(`src/${name}`, 'utf8') }));

test('every source file follows the architecture rules', async () => {
  expect(sources.length).toBeGreaterThan(10);
  expect(await findViolations(sources)).toEqual([]);
});

test('no source, test or script is longer than 300 lines', () => {
  const paths = ['src', 'test', 'scripts'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:tsx?|mjs|js|css|sh|py)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  expect(paths.filter((path) => path.startsWith('test/')).length).toBeGreaterThan(100);
  const violations = paths.flatMap((path) =>
    lengthViolations({ path, text: readFileSync(path, 'utf8') }).map((violation) => `${path}: ${violation}`),
  );
  expect(violations).toEqual([]);
});

/** The path, the code below the opening line, and the expected violation; empty for none. */
const samples: [path: string, code: string, violation: string][] = [
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
    "import { now } from '../domain/shared/ports.ts';",
    'config imports upwards from domain (src/domain/shared/ports.ts)',
  ],
  ['src/config/a.ts', "import type { Clock } from '../domain/shared/ports.ts';", ''],
  [
    'src/domain/seeds/a.ts',
    "import type { Session } from '../pairing/model.ts';",
    'the capability seeds imports src/domain/pairing/model.ts',
  ],
  [
    'src/domain/wifi/a.ts',
    "import type { Store } from '../store.ts';",
    'the capability wifi imports src/domain/store.ts',
  ],
  [
    'src/domain/shared/a.ts',
    "import { seeds } from '../seeds/seeds.ts';",
    'the capability shared imports src/domain/seeds/seeds.ts',
  ],
  ['src/domain/seeds/a.ts', "import { mapMaybe } from '../shared/x.ts';", ''],
  ['src/domain/a.ts', "import type { Session } from './pairing/model.ts';", ''],
  ['src/crypto/a.ts', "import type {\n  Seed,\n} from '../domain/seeds/model.ts';", ''],
  [
    'src/gateway/a.ts',
    "import { x } from '../sync/x.ts';",
    'gateway imports its sibling sync (src/sync/x.ts)',
  ],
  [
    'src/sync/a.ts',
    "const x = await import('../disconnect/x.ts');",
    'sync imports its sibling disconnect (src/disconnect/x.ts)',
  ],
  ['src/gateway/a.ts', "import { seeds } from '../domain/seeds.ts';", ''],
  [
    'src/gateway/a.ts',
    "import { m } from '../store/memory.ts';",
    'names the adapter src/store/memory.ts; only src/app/compose/, src/app/workers/ may',
  ],
  [
    'src/app/lifecycle.ts',
    "import { u } from '../upstream/user-api.ts';",
    'names the adapter src/upstream/user-api.ts; only src/app/compose/ may',
  ],
  ['src/app/compose/start.ts', "import { m } from '../../store/memory.ts';", ''],
  ['src/store/lowdb.ts', "import { m } from './memory.ts';", ''],
  [
    'src/app/compose/start.ts',
    "import { s } from '../../stubs/users.ts';",
    'names the adapter src/stubs/users.ts; only src/cli/, src/testing/ may',
  ],
  ['src/cli/commands/stub.ts', "const { s } = await import('../../stubs/users.ts');", ''],
  ['src/attic/a.ts', "import { x } from '../errors.ts';", 'attic belongs to no layer'],
  ['src/gateway/a.ts', "import { Command } from 'commander';", 'imports commander, which belongs to cli'],
  [
    'src/cli/a.ts',
    "import swagger from '@fastify/swagger';",
    'imports @fastify/swagger, which belongs to http',
  ],
  ['src/store/a.ts', "import { JSONFile } from 'lowdb/node';", ''],
  ['src/sync/a.ts', "import leftPad from 'left-pad';", 'imports left-pad, which no module owns yet'],
  [
    'src/domain/a.ts',
    "import { LRUCache } from 'lru-cache';",
    'imports lru-cache, which belongs to lib, stubs',
  ],
  [
    'src/domain/a.ts',
    "import { readFileSync } from 'node:fs';",
    'the domain does no I/O, but imports node:fs',
  ],
  [
    'src/domain/a.ts',
    "import { randomUUID } from 'node:crypto';",
    'the domain does no I/O, but imports node:crypto',
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
  ['src/cli/terminal/printer.ts', "console.error('no');", 'uses console'],
  ['src/cli/terminal/printer.ts', "// console.error\nconst text = 'console.error, process.exit(1)';", ''],
  [
    'src/web/console/a.tsx',
    "import { hash } from '../../lib/a.ts';",
    'a page imports src/lib/a.ts; only src/web and types of src/console',
  ],
  [
    'src/web/console/a.tsx',
    "import { x } from '../../console/a.ts';",
    'a page imports src/console/a.ts; only src/web and types of src/console',
  ],
  ['src/web/console/a.tsx', "import type { X } from '../../console/a.ts';", ''],
  [
    'src/web/console/a.tsx',
    "import { readFileSync } from 'node:fs';",
    'imports node:fs, which no module owns yet',
  ],
  ['src/gateway/a.ts', "import { x } from '../web/a.ts';", 'gateway imports upwards from web (src/web/a.ts)'],
  [
    'src/gateway/a.ts',
    "import { x } from '../console/a.ts';",
    'gateway imports its sibling console (src/console/a.ts)',
  ],
  ['src/cli/a.ts', 'x();\n'.repeat(299), ''],
  ['src/cli/a.ts', 'x();\n'.repeat(300), '301 lines, more than 300'],
];

test.each(samples)('in %s, %j: %s', async (path, code, violation) => {
  const found = await findViolations([{ path, text: `// A sample.\n${code}` }]);
  expect(found).toEqual(violation === '' ? [] : [`${path}: ${violation}`]);
});

test('a file must open with its purpose', async () => {
  const [violation] = await findViolations([{ path: 'src/cli/a.ts', text: 'export const x = 1;\n' }]);
  expect(violation).toBe('src/cli/a.ts: does not open with a // line that states its purpose');
});

test('importsOf finds every form of import, and ignores comments', () => {
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
