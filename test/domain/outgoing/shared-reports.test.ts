// What phones report at one of several nodes, as the others learn it.

import { expect, onTestFinished, test } from 'vitest';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import { createRoutesHealth } from '../../../src/domain/outgoing/routes-health.ts';
import { createSharedReports } from '../../../src/domain/outgoing/shared-reports.ts';
import type { Share } from '../../../src/domain/shared/node-requests.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const minute = 60_000;
const report = (route: string, state: OutgoingMessage['state'] = 'failed') => ({
  state,
  route,
  times: { queued: 1 },
});

/** Nodes whose requests reach all of them, as JSON. */
function createNodes(count: number) {
  const clock = createFakeClock();
  const handlers: ((request: object) => unknown)[] = [];
  const sent: string[] = [];
  const share: Share = (_topic, handle) => {
    // Safe cast: requests are those of the same code.
    handlers.push(handle as (request: object) => unknown);
    return async (request) => {
      const text = JSON.stringify(request);
      sent.push(text);
      for (const each of handlers) each(JSON.parse(text));
      return { responses: [], missing: [] };
    };
  };
  const nodes = Array.from({ length: count }, () => {
    const routes = createRoutesHealth({ maxFailures: 3, clock, log: createMemoryLog() });
    const reports = createSharedReports({ routes, share, clock });
    reports.start();
    onTestFinished(reports.stop);
    return { routes, reports, names: () => routes.passedOver().map(({ route }) => route) };
  });
  /** Until the nodes have sent their reports. */
  const exchange = async (): Promise<void> => {
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const [a, b] = nodes;
  if (!a || !b) throw new Error('there are no two nodes');
  return { clock, sent, nodes, a, b, exchange };
}

test('failures that are reported to several nodes count together, each once', async () => {
  const { nodes, a, b, sent, exchange } = createNodes(3);
  a.reports.changed(report('x'));
  a.reports.changed(report('x'));
  b.reports.changed(report('y'));
  await exchange();
  expect(nodes.map(({ names }) => names())).toEqual([[], [], []]);
  b.reports.changed(report('x'));
  expect(b.names()).toEqual(['x']);
  await exchange();
  expect(nodes.map(({ names }) => names())).toEqual([['x'], ['x'], ['x']]);
  await exchange();
  expect(sent).toHaveLength(3);
});

test('an SMS that was sent ends what was counted before, on all nodes', async () => {
  const { nodes, a, b, exchange } = createNodes(2);
  for (let n = 0; n < 3; n++) a.reports.changed(report('x'));
  await exchange();
  expect(nodes.map(({ names }) => names())).toEqual([['x'], ['x']]);
  b.reports.changed(report('x'));
  b.reports.changed(report('x', 'sent'));
  b.reports.changed(report('x'));
  await exchange();
  expect(nodes.map(({ names }) => names())).toEqual([[], []]);
});

test('phones that report to another node are not silent', async () => {
  const { clock, a, b, exchange } = createNodes(2);
  for (let n = 0; n < 3; n++) a.routes.taken('x');
  clock.advance(10 * minute);
  b.reports.changed(report('x', 'delivered'));
  b.reports.changed(report('y', 'delivered'));
  await exchange();
  expect(a.routes.order(['x'], ['y'])).toEqual(['x', 'y']);
  expect(a.names()).toEqual([]);
});

test('requests are bounded, and so are the routes that wait to be sent', async () => {
  const { a, b, sent, exchange } = createNodes(2);
  const route = (n: number) => `${'r'.repeat(200)}${n}`;
  for (let n = 0; n < 2_100; n++) a.reports.changed(report(route(n), 'sent'));
  await exchange();
  expect(sent).toHaveLength(8);
  expect(Math.max(...sent.map((text) => text.length))).toBeLessThan(4_000);
  for (let round = 0; round < 30; round++) await exchange();
  const reached = sent.flatMap((text) => JSON.parse(text).reports);
  expect(reached).toHaveLength(2_000);
  expect(b.names()).toEqual([]);
});
