// Keeps what starts together in few files, because each costs a start half a millisecond, however small it is. Used by build.mjs.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What most commands load, with what it imports: the program of all commands, the configuration, the HTTP client. Every entry point loads it. */
const program = ['cli/run.ts', 'cli/repeat.ts', 'lib/json.ts'];
/**
 * Small modules, of which most commands and `swob serve` load some: each would become a file of its own. None imports a package, or a
 * module of Node that the program does not load.
 */
const small = [
  'app/compose/urls.ts',
  'app/machine-address.ts',
  'app/nas-secret-watcher.ts',
  'app/workers/divide.ts',
  'crypto/base64-text.ts',
  'crypto/relay-format.ts',
  'domain/outgoing/broker-names.ts',
  'domain/outgoing/message-bodies.ts',
  'domain/outgoing/message-filters.ts',
  'domain/outgoing/message.ts',
  'domain/seeds/model.ts',
  'domain/shared/limit-keys.ts',
  'domain/shared/phone-number.ts',
  'domain/shared/store-full-error.ts',
  'domain/shared/urls.ts',
  'domain/shared/with-timeout.ts',
  'domain/wifi/audit-model.ts',
  'domain/wifi/backends.ts',
  'domain/wifi/datagram-outcomes.ts',
  'domain/wifi/nas-profiles.ts',
  'domain/wifi/session-claims.ts',
  'domain/wifi/verification.ts',
  'lib/coalesce-next.ts',
  'lib/concurrency.ts',
  'lib/deadline.ts',
  'lib/disk-space.ts',
  'lib/encode-list.ts',
  'lib/folders.ts',
  'lib/maybe-promise.ts',
  'lib/memoize-last.ts',
  'lib/next-turn.ts',
  'lib/semaphore.ts',
  'lib/ttl-cache.ts',
];
/** What `swob serve` loads, for the entry points that load most of it anyway. */
const services = ['app/compose/start.ts', 'app/compose/disconnect.ts'];
const serviceEntries = new Set([
  ...services,
  'app/compose/console.ts',
  'app/workers/worker.ts',
  'bus/redis-nodes.ts',
  'bus/redis.ts',
  'cli/commands/playground/env.ts',
  'cli/commands/playground/run.ts',
  'cli/commands/playground/start.ts',
  'console/send.ts',
  'http/api-docs/document.ts',
  'testing/index.ts',
  'upstream/rabbitmq-tenants.ts',
  'upstream/rabbitmq.ts',
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
  const missing = [...program, ...small, ...serviceEntries].find((name) => !existsSync(join(sources, name)));
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
        const group = serviceEntries.has(name) ? [...program, ...small, ...services] : [...program, ...small];
        const imports = group.map((module) => `import ${JSON.stringify(join(sources, module))};`);
        return { contents: `${imports.join('')}export * from ${JSON.stringify(path)};`, resolveDir: root };
      });
    },
  };
}
