// Questions where there is no other node. Used by the tests of what asks all nodes.

import type { Share } from '../../src/domain/shared/node-questions.ts';

export const shareLocally: Share = (_topic, answer) => async (question) => ({
  answers: [{ node: 'local', answer: await answer(question) }],
  missing: [],
});
