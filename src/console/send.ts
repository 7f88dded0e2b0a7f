// Loads @fastify/send, a CommonJS package, whose names an import() in the bundle would lose. Used by static-files.ts, on the
// first request of a page.

import send from '@fastify/send';

export { send };
