// Plugins of esbuild that leave out of packages what swob does not use, and load modules of Node on their first use, since reading and
// compiling is a large part of each start. Used by build.mjs.

/** @typedef {import('esbuild').Plugin} Plugin */

/**
 * Replaces a module that some packages import.
 * @param {string} name of the module
 * @param {RegExp} importers paths of the files that import it
 * @param {string} contents the CommonJS module instead
 * @returns {Plugin}
 */
const replaced = (name, importers, contents) => ({
  name: `lean-${name}`,
  setup: ({ onResolve, onLoad }) => {
    const namespace = `lean-${name}`;
    onResolve({ filter: new RegExp(`^${name}$`) }, ({ importer }) =>
      importers.test(importer) ? { path: name, namespace } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, () => ({ contents }));
  },
});

/**
 * Bundles only undici's Client: its index also loads fetch, cache and mocks, 1.2 MB of source. Importing another name fails
 * the build.
 * @type {Plugin}
 */
const undiciClient = {
  name: 'lean-undici',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'lean-undici',
      pluginData: resolveDir,
    }));
    onLoad({ filter: /.*/, namespace: 'lean-undici' }, ({ pluginData: resolveDir }) => ({
      contents: "export { default as Client } from 'undici/lib/dispatcher/client.js';",
      resolveDir,
    }));
  },
};

/**
 * Loads modules of Node when they are first used. Packages and an `import` need them at the start, and an `import` also reads all their
 * properties: `http.WebSocket` loads fetch on Node 22 and later, 50 ms of CPU and 3 MB; `tls` takes 20 ms and 5 MB there.
 * @type {Plugin}
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup: ({ onResolve, onLoad }) => {
    const namespace = 'lazy-builtin';
    onResolve({ filter: /^(node:)?(http|https|tls)$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? undefined : { path: path.replace('node:', ''), namespace },
    );
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `
        let builtin;
        const get = (name) => (builtin ??= process.getBuiltinModule('node:${path}'))[name];
        for (const name of ${JSON.stringify(Object.keys(process.getBuiltinModule(path)))})
          Object.defineProperty(exports, name, { enumerable: true, get: () => get(name) });`,
    }));
  },
};

export const leanPackages = [
  lazyBuiltins,
  undiciClient,
  // Needed only for executable subcommands; it loads sockets and streams, 5 ms of every start.
  replaced('node:child_process', /node_modules\/commander\//, 'module.exports = {};'),
  // An import of `node:process` opens stdin, stdout and stderr.
  replaced('node:process', /node_modules\/(chalk|commander)\//, 'module.exports = globalThis.process;'),
  // Asks whether Node is at least version 6, 15 or 16.
  replaced('semver', /node_modules\/jsonwebtoken\//, 'exports.satisfies = () => true;'),
  // For HTTP/2, which no service or client offers; it takes 5 ms and 4 MB.
  replaced('node:http2', /node_modules\/(fastify|undici)\//, 'exports.constants = {};'),
  // For `app.inject()`, which only tests call.
  replaced('light-my-request', /node_modules\/fastify\//, 'module.exports = undefined;'),
];
