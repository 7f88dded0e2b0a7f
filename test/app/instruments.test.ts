// What is told of each request that was answered.

import { expect, test, vi } from 'vitest';
import { createInstruments } from '../../src/app/compose/instruments.ts';

test('whoever wants to know of each answered request is told, whichever service it was', () => {
  const onServed = vi.fn();
  const instruments = createInstruments({
    version: 'test',
    logDrops: () => ({}),
    overloadRefusals: () => 0,
    onServed,
  });
  for (const service of ['gateway', 'disconnect']) {
    instruments.served(service)({ method: 'GET', route: '/x', status: 200, ms: 1 });
  }
  expect(onServed).toHaveBeenCalledTimes(2);
  instruments.stop();
});
