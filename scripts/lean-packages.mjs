// Plugins of esbuild that leave out of packages what swob does not use, since reading and compiling it is a large part of each start.
// Used by build.mjs.

import http from 'node:http';

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

/** @param {object} module its properties but those that are made on first use */
const plainNames = (module) =>
  Object.entries(Object.getOwnPropertyDescriptors(module))
    .filter(([, { get }]) => get === undefined)
    .map(([name]) => name);

/**
 * `node:http` without an import, which would read all its properties: for `WebSocket`, Node 22 and later load all of fetch, 50 ms of CPU
 * and 3 MB. Importing a name that is made on first use fails the build.
 * @type {Plugin}
 */
const nodeHttp = {
  name: 'lean-node-http',
  setup: ({ onResolve, onLoad }) => {
    const namespace = 'lean-node-http';
    onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, () => ({
      contents: `const http = process.getBuiltinModule('node:http');
        export default http;
        export const { ${plainNames(http).join(', ')} } = http;`,
    }));
  },
};

export const leanPackages = [
  nodeHttp,
  undiciClient,
  // Needed only for executable subcommands; it loads sockets and streams, 5 ms of every start.
  replaced('node:child_process', /node_modules\/commander\//, 'module.exports = {};'),
  // An import of `node:process` opens stdin, stdout and stderr.
  replaced('node:process', /node_modules\/(chalk|commander)\//, 'module.exports = globalThis.process;'),
  // Asks whether Node is at least version 6, 15 or 16.
  replaced('semver', /node_modules\/jsonwebtoken\//, 'exports.satisfies = () => true;'),
  // For HTTP/2, which no service or client offers; it takes 5 ms and 1 MB.
  replaced('node:http2', /node_modules\/(fastify|undici)\//, 'exports.constants = {};'),
  // For `app.inject()`, which only tests call.
  replaced('light-my-request', /node_modules\/fastify\//, 'module.exports = undefined;'),
];
