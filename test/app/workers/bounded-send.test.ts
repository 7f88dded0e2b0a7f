// The bound of what the other end of a channel has not read.

import { expect, test } from 'vitest';
import { boundedSend, maxUnread } from '../../../src/app/workers/bounded-send.ts';

interface Message {
  readonly kind: 'stop' | 'lines';
  readonly text: string;
}

const large: Message = { kind: 'lines', text: 'x'.repeat(maxUnread / 4) };

function createSend() {
  const sent: (() => void)[] = [];
  const send = boundedSend<Message>(
    (_message, written) => void sent.push(written),
    ({ kind }) => kind === 'lines',
  );
  return { send, sent };
}

test('while the other end does not read, messages that it can do without are dropped', () => {
  const { send, sent } = createSend();
  let settled = 0;
  for (let count = 0; count < 100; count++) send(large, () => settled++);
  expect(sent).toHaveLength(3);
  expect(settled).toBe(97);
  send({ kind: 'stop', text: large.text });
  expect(sent).toHaveLength(4);
});

test('what has been read makes room', () => {
  const { send, sent } = createSend();
  for (let count = 0; count < 4; count++) send(large);
  for (const written of sent.splice(0)) written();
  for (let count = 0; count < 4; count++) send(large);
  expect(sent).toHaveLength(3);
});
