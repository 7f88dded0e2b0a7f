// Bundles the web pages of src/web into dist/web: minified, with a hash in each name, and a brotli file beside each. Used by
// build.mjs.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build as bundle } from 'esbuild';

/** Folders of src/web with a `main.tsx` and an `index.html`. */
const pages = ['console', 'pairing'];

/**
 * @param {string} root folder of the checkout
 * @param {string} target such as `dist/web`
 * @returns {Promise<string[]>} the bundled files, relative to the root
 */
export async function buildPages(root, target) {
  const inputs = await Promise.all(pages.map((page) => buildPage(root, page, join(target, page))));
  compress(target);
  return inputs.flat();
}

async function buildPage(root, page, folder) {
  const { metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: { main: `src/web/${page}/main.tsx` },
    outdir: join(folder, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome109', 'firefox115', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    metafile: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
  const outputs = Object.keys(metafile.outputs).map((path) => basename(path));
  // Only the entry point has this name.
  const nameOf = (extension) => outputs.find((name) => name.startsWith('main-') && name.endsWith(extension));
  const html = readFileSync(join(root, `src/web/${page}/index.html`), 'utf8')
    .replace('main.js', nameOf('.js'))
    .replace('main.css', nameOf('.css'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), html);
  return Object.keys(metafile.inputs);
}

/** Writes `<file>.br` beside each file. */
function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const data = readFileSync(path);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
    writeFileSync(`${path}.br`, brotliCompressSync(data, { params }));
  }
}
