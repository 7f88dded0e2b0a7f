// Bundles src into dist, one chunk for each lazily imported command. Used by setup.mjs, which holds the lock.

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';

/**
 * Packages that work from their own folder only: they read files there, or are data. Whatever else is bundled costs
 * less time to start and less memory: what is not used is left out, and a file is not opened for each module.
 */
const external = [
  '@fastify/swagger-ui',
  'libphonenumber-geo-carrier',
  'mcc-mnc-list',
  // Names its temporary files after itself.
  'write-file-atomic',
];

/**
 * undici without what only its fetch, cache and mocks need, 1.2 MB of source: of its whole we use the Client, and its
 * index loads everything. A name that is not here fails the build.
 * @type {import('esbuild').Plugin}
 */
const undiciClient = {
  name: 'undici-client',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'undici-client',
      pluginData: resolveDir,
    }));
    onLoad({ filter: /.*/, namespace: 'undici-client' }, ({ pluginData: resolveDir }) => ({
      contents: "export { default as Client } from 'undici/lib/dispatcher/client.js';",
      resolveDir,
    }));
  },
};

/**
 * commander without what it starts other programs with, which no command of ours does: with `node:child_process` come
 * sockets and streams, 5 ms of every start.
 * @type {import('esbuild').Plugin}
 */
const commanderAlone = {
  name: 'commander-alone',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('node_modules/commander/')
        ? { path: 'none', namespace: 'commander-alone' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'commander-alone' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/**
 * Replaces dist by a rename, so that nobody ever sees half of it.
 * @param {string} root folder of the checkout
 * @param {string} stamp what dist is made from, as stamps.mjs says it
 */
export async function build(root, stamp) {
  const [dist, next, old] = ['dist', 'dist.new', 'dist.old'].map((name) => join(root, name));
  rmSync(next, { recursive: true, force: true });
  await bundle({
    absWorkingDir: root,
    entryPoints: { 'cli/main': 'src/cli/main.ts' },
    outdir: next,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    plugins: [undiciClient, commanderAlone],
    // Packages written for require() call it for node's own modules.
    banner: {
      js: "import { createRequire as swobCreateRequire } from 'node:module'; const require = swobCreateRequire(import.meta.url);",
    },
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
  });
  writeFileSync(join(next, '.stamp'), stamp);

  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}
