// The state machine of one socket: whatever its session store returns, and in whatever order events happen, it shows no more
// than it may, closes once and leaves no timer behind.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { SessionFailure, SyncSessions } from '../../src/domain/pairing/sync-ports.ts';
import type { CloseCode } from '../../src/sync/close-codes.ts';
import { frames } from '../../src/sync/protocol.ts';
import { createSyncSocketFactory, type SyncSocket } from '../../src/sync/sync-socket.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

const options = { changeLimit: 3, sleepMs: 15_000, pausedMs: 120_000 };
const outcomes = ['open', 'paused', 'paired', 'unknown', 'failure', 'unavailable'] as const;
const unavailable = { kind: 'unavailable', reason: 'the store is unavailable' } as const;
type Outcome = (typeof outcomes)[number];

/** A close as the peer receives it. */
type Close = Pick<CloseCode, 'code' | 'reason'>;

interface Harness {
  readonly clock: FakeClock;
  readonly socket: SyncSocket;
  readonly sessions: SyncSessions;
  /** Frames and closes in order. */
  readonly sent: (string | Close)[];
  /** The session id of the socket, as reported to the server. */
  readonly current: () => string;
  /** Resolves the pending calls to the session store, oldest first. */
  readonly pending: ((outcome: Outcome) => void)[];
}

function createHarness(): Harness {
  const clock = createFakeClock();
  const sent: Harness['sent'] = [];
  const pending: Harness['pending'] = [];
  let ids = 0;
  let current = 'first';
  const fresh = () => ({ sessionId: `fresh${ids++}` });
  const as = <S>(state: S) => ({ ...fresh(), state });
  const call = <T>(
    resultOf: (outcome: Exclude<Outcome, 'failure' | 'unavailable'>) => T,
  ): Promise<T | SessionFailure> =>
    new Promise((resolve, reject) => {
      pending.push((outcome) => {
        if (outcome === 'failure') reject(new Error('the store failed'));
        else if (outcome === 'unavailable') resolve(unavailable);
        else resolve(resultOf(outcome));
      });
    });
  const sessions: SyncSessions = {
    attach: (_userId, sessionId) =>
      call((outcome) =>
        outcome === 'unknown' ? outcome : { ...(ids++ % 2 ? { sessionId } : fresh()), state: outcome },
      ),
    rotate: () => call((outcome) => (outcome === 'unknown' ? outcome : as(outcome))),
    stateOf: () => call((outcome) => outcome),
    close: () => call((outcome) => (outcome === 'open' || outcome === 'unknown' ? 'ended' : as(outcome))),
  };
  const socket = createSyncSocketFactory<Harness['sent']>({
    sessions,
    addresses: { gateway: () => 'http://gateway', sync: () => 'ws://sync' },
    clock,
    log: createMemoryLog(),
    options,
    send: (peer, text) => void peer.push(text),
    close: (peer, { code, reason }) => void peer.push({ code, reason } as Close),
    onRotated: (rotated, sessionId) => {
      expect(rotated.sessionId).toBe(current);
      current = sessionId;
    },
  })({ peer: sent, userId: 'alice', sessionId: 'first', socketId: 'a socket', requestId: 'a request' });
  return { clock, socket, sessions, sent, current: () => current, pending };
}

/** Runs the microtasks of settled promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...outcomes).map((outcome) => ({ kind: 'result' as const, outcome })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 7_500, 14_999, 15_000, 120_000)
      .map((ms) => ({ kind: 'time' as const, ms })),
  },
  fc.constantFrom(...(['pause', 'ack', 'onMissedEvents', 'disconnected'] as const)).map((kind) => ({ kind })),
);

const isClose = (entry: string | Close): entry is Close => typeof entry !== 'string';

function expectInvariants({ sent, clock, pending, current }: Harness, closed: boolean): void {
  const urls = sent.filter((entry): entry is string => !isClose(entry) && entry.startsWith('{'));
  const pauses = sent.filter((entry) => entry === frames.pause);
  const acks = sent.filter((entry) => entry === frames.ack);
  const closes = sent.filter(isClose);
  expect(urls.length).toBeLessThanOrEqual(options.changeLimit);
  expect(new Set(urls).size).toBe(urls.length);
  expect(Math.max(pauses.length, acks.length, closes.length)).toBeLessThanOrEqual(1);
  // URLs, then the pause, then the ack, then the close.
  expect(sent).toEqual([...urls, ...pauses, ...acks, ...closes]);
  if (acks.length > 0) expect(pauses).toHaveLength(1);
  if (sent.length > 0 && sent.length === urls.length && pending.length === 0) {
    expect(JSON.parse(urls.at(-1) ?? '').qr_url).toContain(`/sessions/${current()}/handshake`);
  }
  if (closed || closes.length > 0) expect(clock.pending).toBe(0);
  // An open socket waits for a result or for exactly one timer.
  else expect(clock.pending + pending.length).toBeGreaterThan(0);
  expect(clock.pending).toBeLessThanOrEqual(1);
}

test('a socket shows no more URLs than allowed, never hangs, closes once and leaves no timer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const harness = createHarness();
      const { socket, clock, pending, sent } = harness;
      const started = socket.start();
      let disconnected = false;
      for (const next of steps) {
        const before = sent.length;
        const wasClosed = disconnected || sent.some(isClose);
        if (next.kind === 'result') pending.shift()?.(next.outcome);
        else if (next.kind === 'time') clock.advance(next.ms);
        else if (next.kind === 'disconnected') socket.close();
        else socket[next.kind]();
        disconnected ||= next.kind === 'disconnected';
        await settle();
        if (wasClosed) expect(sent.length).toBe(before);
        expectInvariants(harness, disconnected);
      }
      // Without further events it closes.
      for (let turn = 0; turn < 10; turn++) {
        pending.shift()?.('open');
        await settle();
        clock.advance(options.pausedMs);
        await settle();
      }
      expect(disconnected || sent.some(isClose)).toBe(true);
      expectInvariants(harness, disconnected);
      expect([clock.pending, pending.length]).toEqual([0, 0]);
      await started;
    }),
    { numRuns: 2_000 },
  );
});

test('a session store that fails closes the socket with 1011, at any point', async () => {
  for (let answered = 0; answered <= options.changeLimit; answered++) {
    const { socket, clock, pending, sent } = createHarness();
    void socket.start();
    for (let turn = 0; turn < answered; turn++) {
      pending.shift()?.('open');
      await settle();
      clock.advance(options.sleepMs);
    }
    pending.shift()?.('failure');
    await settle();
    expect(sent.at(-1)).toMatchObject({ code: 1011 });
    expect(sent).toHaveLength(answered + 1);
  }
});

test('a phone that acted before its event arrived: the socket catches up with the pause, and with the ack when it has paired', async () => {
  for (const outcome of ['paused', 'paired'] as const) {
    for (let shown = 0; shown <= options.changeLimit; shown++) {
      const { socket, clock, pending, sent, current } = createHarness();
      void socket.start();
      for (let turn = 0; turn < shown; turn++) {
        pending.shift()?.('open');
        await settle();
        clock.advance(options.sleepMs);
      }
      pending.shift()?.(outcome);
      await settle();
      const expected =
        outcome === 'paused' ? [frames.pause] : [frames.pause, frames.ack, { code: 1000, reason: 'paired' }];
      expect(sent.slice(shown)).toEqual(expected);
      // Of the id under which the phone has taken it, which may be another one.
      if (outcome === 'paused') socket.onEvent({ kind: 'ack', userId: 'alice', sessionId: current() });
      expect(sent.at(-1)).toEqual({ code: 1000, reason: 'paired' });
    }
  }
});

test('a temporary outage of the store closes no socket: the socket retries each second', async () => {
  for (const shown of [1, 2, 3]) {
    const { socket, clock, pending, sent, sessions } = createHarness();
    void socket.start();
    for (let turn = 1; turn <= shown; turn++) {
      pending.shift()?.('open');
      await settle();
      if (turn < shown) clock.advance(options.sleepMs);
    }
    const outage = [vi.spyOn(sessions, 'rotate'), vi.spyOn(sessions, 'close')];
    for (const spy of outage) spy.mockResolvedValue(unavailable);
    clock.advance(options.sleepMs);
    await settle();
    for (let second = 0; second < 90; second++) {
      clock.advance(1_000);
      await settle();
    }
    expect(sent).toHaveLength(shown);
    expect(outage[0]?.mock.calls.length ?? 0).toBeLessThanOrEqual(91);
    for (const spy of outage) spy.mockRestore();
    clock.advance(1_000);
    pending.shift()?.('open');
    await settle();
    if (shown < options.changeLimit) expect(sent.at(-1)).toMatch(/^\{/);
    else expect(sent.at(-1)).toEqual({ code: 1000, reason: 'session change limit reached' });
  }
});

test('a paused session is read before it times out: a phone that has paired still gets its ack', async () => {
  for (const [found, expected] of [
    ['paired', [frames.ack, { code: 1000, reason: 'paired' }]],
    ['paused', [{ code: 4408, reason: 'paused too long' }]],
    ['unknown', [{ code: 4408, reason: 'paused too long' }]],
  ] as const) {
    const { socket, clock, pending, sent } = createHarness();
    void socket.start();
    pending.shift()?.('open');
    await settle();
    socket.pause();
    clock.advance(options.pausedMs);
    await settle();
    expect(sent).toHaveLength(2);
    pending.shift()?.(found);
    await settle();
    expect(sent.slice(2)).toEqual(expected);
  }
});

test('after missed events the socket catches up with a pause or an ack, and ignores every other state', async () => {
  for (const [found, expected] of [
    ['paused', [frames.pause]],
    ['paired', [frames.pause, frames.ack, { code: 1000, reason: 'paired' }]],
    ['open', []],
    ['unknown', []],
    ['failure', []],
  ] as const) {
    const { socket, pending, sent } = createHarness();
    void socket.start();
    pending.shift()?.('open');
    await settle();
    socket.onMissedEvents();
    pending.shift()?.(found);
    await settle();
    expect(sent.slice(1)).toEqual(expected);
  }
});

test('a pause that arrives while the socket attaches is not lost, also of the session that has replaced the one of its URL', async () => {
  const arrivals: readonly ((socket: SyncSocket) => void)[] = [
    (socket) => socket.pause(),
    (socket) => socket.onEvent({ kind: 'pause', userId: 'alice', sessionId: 'fresh1' }),
    (socket) => socket.onMissedEvents(),
  ];
  for (const arrive of arrivals) {
    const { socket, pending, sent, current } = createHarness();
    void socket.start();
    arrive(socket);
    pending.shift()?.('open');
    await settle();
    expect(current()).toBe('fresh1');
    pending.shift()?.('paused');
    await settle();
    expect(sent.slice(1)).toEqual([frames.pause]);
  }
});

test('an ack that arrives while the socket attaches to a paused session is not lost', async () => {
  const { socket, pending, sent } = createHarness();
  void socket.start();
  socket.onEvent({ kind: 'ack', userId: 'alice', sessionId: 'first' });
  for (const outcome of ['paused', 'paired'] as const) {
    pending.shift()?.(outcome);
    await settle();
  }
  expect(sent).toEqual([frames.pause, frames.ack, { code: 1000, reason: 'paired' }]);
});

test('a store that becomes unavailable after the socket has attached does not close it', async () => {
  const { socket, clock, pending, sent } = createHarness();
  void socket.start();
  socket.pause();
  pending.shift()?.('open');
  await settle();
  pending.shift()?.('unavailable');
  await settle();
  expect(sent).toHaveLength(1);
  clock.advance(options.sleepMs);
  pending.shift()?.('paused');
  await settle();
  expect(sent.slice(1)).toEqual([frames.pause]);
});
