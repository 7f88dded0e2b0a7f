// The hub of live data: one reading for equal queries, events only for changes, and a bound on everything that pages hold.

import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { createLiveHub } from '../../src/console/live-hub.ts';
import { type ConsoleView, defineView } from '../../src/console/view.ts';
import { openEventStream } from '../support/event-stream.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { onEnd } from '../support/teardown.ts';

interface TestView {
  readonly view: ConsoleView;
  value: unknown;
  reads: number;
}

function createTestView(): TestView {
  const state: TestView = {
    value: 1,
    reads: 0,
    view: defineView({
      name: 'test',
      query: Type.Object({}),
      everyMs: 1_000,
      read: async () => {
        state.reads++;
        if (state.value instanceof Error) throw state.value;
        return { value: state.value };
      },
    }),
  };
  return state;
}

/** A server whose path is the session and whose query is that of the view. */
async function startHub(options: { maxClients?: number; expiresAt?: number } = {}) {
  const clock = createFakeClock();
  const slow = { count: 0 };
  const { maxClients = 10, expiresAt = Number.POSITIVE_INFINITY } = options;
  const signedOut = new Set<string>();
  const hub = createLiveHub({
    maxClients,
    clock,
    log: createMemoryLog(),
    isSignedOut: async (sessionId) => signedOut.has(sessionId),
    onSlow: () => slow.count++,
  });
  const state = createTestView();
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    responses.push(response);
    const query = Object.fromEntries(searchParams);
    const refused = hub.open({ view: state.view, query, response, sessionId: pathname, expiresAt });
    if (refused) response.writeHead(503).end(refused);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    hub.close();
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const open = (path: string) => openEventStream(`http://127.0.0.1:${port}${path}`, {});
  return { hub, clock, state, responses, port, open, slow, signedOut };
}

test('pages with an equal query share one reading, and get an event only when the data has changed', async () => {
  const { clock, state, open } = await startHub();
  const [first, second] = [await open('/a?x=1&y=2'), await open('/b?y=2&x=1')];
  expect(await first.next()).toEqual({ name: 'message', data: { value: 1 } });
  expect(await second.next()).toEqual({ name: 'message', data: { value: 1 } });
  expect(state.reads).toBe(1);
  clock.advance(1_000);
  await expect.poll(() => state.reads).toBe(2);
  state.value = 2;
  clock.advance(1_000);
  // Nothing came of the reading between.
  expect(await first.next()).toEqual({ name: 'message', data: { value: 2 } });
  expect(await second.next()).toEqual({ name: 'message', data: { value: 2 } });
  expect(state.reads).toBe(3);
  await open('/c?x=other');
  await expect.poll(() => state.reads).toBe(4);
});

test('a page without news gets an event every 15 seconds, so that it notices a dead connection', async () => {
  const { clock, state, open } = await startHub();
  const stream = await open('/a');
  await stream.next();
  clock.advance(15_000);
  clock.advance(15_000);
  await setImmediate();
  state.value = 2;
  clock.advance(1_000);
  expect(await stream.next()).toEqual({ name: 'message', data: { value: 2 } });
  expect(stream.beats).toBe(2);
});

test('without a page there is no timer and nothing is read', async () => {
  const { hub, clock, state, open } = await startHub();
  expect(clock.pending).toBe(0);
  const stream = await open('/a');
  await stream.next();
  expect(hub.size).toBe(1);
  stream.close();
  await expect.poll(() => clock.pending).toBe(0);
  expect(hub.size).toBe(0);
  clock.advance(60_000);
  expect(state.reads).toBe(1);
});

test('a failed reading and too much data are reported, and the page gets the next data', async () => {
  const { clock, state, open } = await startHub();
  state.value = new Error('no');
  const stream = await open('/a');
  expect((await stream.next())?.name).toBe('fault');
  state.value = 'x'.repeat(1_000_001);
  clock.advance(1_000);
  expect(await stream.next()).toMatchObject({
    name: 'fault',
    data: { message: expect.stringMatching('too much') },
  });
  state.value = 3;
  clock.advance(1_000);
  expect(await stream.next()).toEqual({ name: 'message', data: { value: 3 } });
});

test('streams are bounded in all and for a session, and end with it', async () => {
  const { hub, clock, open } = await startHub({ maxClients: 40 });
  const streams = await Promise.all(Array.from({ length: 32 }, () => open('/a')));
  expect((await open('/a')).status).toBe(503);
  const others = await Promise.all(Array.from({ length: 8 }, () => open('/b')));
  expect((await open('/c')).status).toBe(503);
  expect(hub.size).toBe(40);
  hub.endSession('/a');
  for (const stream of streams) {
    await stream.next();
    expect(await stream.next()).toBeUndefined();
  }
  await expect.poll(() => hub.size).toBe(8);
  hub.close();
  for (const stream of others) {
    await stream.next();
    expect(await stream.next()).toBeUndefined();
  }
  await expect.poll(() => clock.pending).toBe(0);
});

test('a stream ends when its session has expired', async () => {
  const expiresAt = createFakeClock().now() + 10_000;
  const { hub, clock, open } = await startHub({ expiresAt });
  const stream = await open('/a');
  await stream.next();
  clock.advance(15_000);
  expect(await stream.next()).toBeUndefined();
  await expect.poll(() => hub.size).toBe(0);
});

test('a stream ends when its session has signed out on another node, and no other session does', async () => {
  const { hub, clock, open, signedOut } = await startHub();
  const [left, other] = [await open('/a'), await open('/b')];
  await Promise.all([left.next(), other.next()]);
  signedOut.add('/a');
  clock.advance(15_000);
  expect(await left.next()).toBeUndefined();
  await expect.poll(() => hub.size).toBe(1);
});

/** A page that does not read. */
function openUnread(port: number): void {
  const socket = connect(port, '127.0.0.1');
  onEnd(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n');
}

test('a change that is too large is sent as data, and after data that is too large there is no change', async () => {
  const { clock, state, open } = await startHub();
  Object.assign(state.view, { changes: (before: object, now: object) => ({ before, now }) });
  const page = await open('/a');
  const show = async (value: unknown) => {
    state.value = value;
    clock.advance(1_000);
    return page.next();
  };
  expect(await page.next()).toMatchObject({ name: 'message', data: { value: 1 } });
  expect(await show(2)).toMatchObject({ name: 'change', data: { before: { value: 1 }, now: { value: 2 } } });
  const long = 'x'.repeat(600_000);
  expect(await show(long)).toMatchObject({ name: 'change' });
  const other = 'y'.repeat(600_000);
  expect(await show(other)).toEqual(expect.objectContaining({ name: 'message', data: { value: other } }));
  expect(await show('x'.repeat(1_000_000))).toMatchObject({ name: 'fault' });
  expect(await show(3)).toMatchObject({ name: 'message', data: { value: 3 } });
  expect(await show(4)).toMatchObject({ name: 'change' });
});

test('when a page opens on data that has grown too large by changes, all pages get the fault, and then the next data', async () => {
  const { clock, state, open } = await startHub();
  Object.assign(state.view, {
    changes: (_: object, now: { value: unknown }) => ({ last: String(now.value).at(-1) }),
  });
  const first = await open('/a');
  await first.next();
  state.value = `${'x'.repeat(1_000_000)}1`;
  clock.advance(1_000);
  expect(await first.next()).toEqual({ name: 'change', data: { last: '1' } });
  const second = await open('/b');
  for (const page of [first, second]) expect(await page.next()).toMatchObject({ name: 'fault' });
  state.value = 2;
  clock.advance(1_000);
  for (const page of [first, second])
    expect(await page.next()).toEqual({ name: 'message', data: { value: 2 } });
  state.value = 3;
  clock.advance(1_000);
  for (const page of [first, second])
    expect(await page.next()).toEqual({ name: 'change', data: { last: '3' } });
});

test('a page that does not read is disconnected before it holds much memory', async () => {
  const { hub, clock, state, port, responses, slow } = await startHub();
  openUnread(port);
  await expect.poll(() => hub.size).toBe(1);
  let largest = 0;
  for (let round = 0; round < 100 && hub.size > 0; round++) {
    const { reads } = state;
    state.value = `${round}${'x'.repeat(900_000)}`;
    clock.advance(1_000);
    await expect.poll(() => hub.size === 0 || state.reads > reads).toBe(true);
    await setImmediate();
    largest = Math.max(largest, responses[0]?.writableLength ?? 0);
  }
  await expect.poll(() => hub.size).toBe(0);
  expect(slow.count).toBe(1);
  expect(largest).toBeLessThan(4_000_000);
});

test('a page that does not read gets nothing after its session has ended, and is disconnected', async () => {
  const { hub, clock, state, port, responses } = await startHub();
  openUnread(port);
  await expect.poll(() => hub.size).toBe(1);
  const errors: unknown[] = [];
  responses[0]?.on('error', (error) => errors.push(error));
  const change = async (value: string): Promise<void> => {
    const { reads } = state;
    state.value = value;
    clock.advance(1_000);
    await expect.poll(() => state.reads).toBeGreaterThan(reads);
    await setImmediate();
  };
  for (let round = 0; responses[0]?.writableLength === 0; round++)
    await change(`${round}${'x'.repeat(900_000)}`);
  hub.endSession('/a');
  await change('after the end');
  expect(errors).toEqual([]);
  expect(hub.size).toBe(1);
  clock.advance(15_000);
  await expect.poll(() => hub.size).toBe(0);
});
