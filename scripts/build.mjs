// Bundles src into dist, one chunk for each lazily imported command. Used by setup.mjs, which holds the lock.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';

/** Packages that every command starts with, or that are small: bundling them saves start-up time. */
const bundled = new Set([
  'chalk',
  'commander',
  'ini',
  'node-fetch',
  'qrcode-terminal',
  'tough-cookie',
  'typebox',
  'ws',
]);

/**
 * Replaces dist by a rename, so that nobody ever sees half of it.
 * @param {string} root folder of the checkout
 * @param {string} stamp what dist is made from, as stamps.mjs says it
 */
export async function build(root, stamp) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
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
    external: Object.keys(dependencies).filter((name) => !bundled.has(name)),
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
