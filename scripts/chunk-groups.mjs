// Keeps what starts together in few files, because each costs a start half a millisecond, however small it is. Used by build.mjs.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What most commands load, with what it imports: the program of all commands, the configuration, the HTTP client. Every entry point loads it. */
const program = ['cli/run.ts', 'cli/repeat.ts', 'lib/json.ts'];
/** What `swob serve` loads, for the entry points that load most of it anyway. */
const services = ['app/compose/start.ts', 'app/compose/disconnect.ts'];
const serviceEntries = new Set([
  ...services,
  'app/workers/worker.ts',
  'cli/commands/playground/env.ts',
  'cli/commands/playground/run.ts',
  'cli/commands/playground/start.ts',
  'http/api-docs/document.ts',
  'testing/index.ts',
]);

/** Marks what the plugin resolves itself. */
const resolved = Symbol('resolved');

/**
 * esbuild puts into one file what the same entry points reach. Every lazily imported module is an entry point, so that a hundred of them
 * make a file for each combination. Here each becomes a module that imports its group first, and exports what the original does.
 * @param {string} root folder of the checkout
 * @returns {import('esbuild').Plugin}
 */
export function chunkGroups(root) {
  const sources = join(root, 'src');
  // A renamed file would silently leave its group.
  const missing = [...program, ...serviceEntries].find((name) => !existsSync(join(sources, name)));
  if (missing) throw new Error(`scripts/chunk-groups.mjs names src/${missing}, which does not exist`);
  return {
    name: 'chunk-groups',
    setup: ({ onResolve, onLoad, resolve }) => {
      onResolve({ filter: /\.ts$/ }, async ({ path, kind, resolveDir, importer, pluginData }) => {
        const isEntry = kind === 'dynamic-import' || kind === 'entry-point';
        if (!isEntry || pluginData === resolved) return undefined;
        const found = await resolve(path, { kind, resolveDir, importer, pluginData: resolved });
        return { path: found.path, namespace: 'entry', errors: found.errors };
      });
      onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
        const name = relative(sources, path).replaceAll('\\', '/');
        const group = serviceEntries.has(name) ? [...program, ...services] : program;
        const imports = group.map((module) => `import ${JSON.stringify(join(sources, module))};`);
        return { contents: `${imports.join('')}export * from ${JSON.stringify(path)};`, resolveDir: root };
      });
    },
  };
}
