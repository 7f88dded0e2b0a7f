// Requests where there is no other node. Used by the tests of what sends requests to all nodes.

import type { Share } from '../../src/domain/shared/node-requests.ts';

export const shareLocally: Share = (_topic, handle) => async (request) => ({
  responses: [{ node: 'local', response: await handle(request) }],
  missing: [],
});
