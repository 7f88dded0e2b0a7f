// The life of one socket as a state machine: whatever its session store answers, and in whatever order
// things happen, it shows what it may, ends once and leaves nothing behind.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { SyncSessions } from '../../src/domain/ports.ts';
import { SwobError } from '../../src/errors.ts';
import { type Connection, createConnections } from '../../src/sync/connection.ts';
import { type Closing, frames } from '../../src/sync/protocol.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

const options = { changeLimit: 3, sleepMs: 15_000, pausedMs: 120_000 };
const outcomes = ['open', 'paused', 'paired', 'unknown', 'failure', 'away'] as const;
type Outcome = (typeof outcomes)[number];

interface Harness {
  readonly clock: FakeClock;
  readonly connection: Connection;
  readonly sessions: SyncSessions;
  /** Frames and closes in order. */
  readonly sent: (string | Closing)[];
  /** The id that the socket goes by, as the server is told. */
  readonly current: () => string;
  /** Calls to the session store that wait for an answer. */
  readonly waiting: ((outcome: Outcome) => void)[];
}

function createHarness(): Harness {
  const clock = createFakeClock();
  const sent: Harness['sent'] = [];
  const waiting: Harness['waiting'] = [];
  let ids = 0;
  let current = 'first';
  const fresh = () => ({ sessionId: `fresh${ids++}` });
  const call = <T>(answerOf: (outcome: Exclude<Outcome, 'failure' | 'away'>) => T): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting.push((outcome) => {
        if (outcome === 'failure') reject(new Error('the store failed'));
        else if (outcome === 'away') reject(new SwobError('UNAVAILABLE', 'the store is away'));
        else resolve(answerOf(outcome));
      });
    });
  const sessions: SyncSessions = {
    attach: (_userId, sessionId) =>
      call((outcome) =>
        outcome === 'unknown' ? outcome : { ...(ids++ % 2 ? { sessionId } : fresh()), state: outcome },
      ),
    rotate: () => call((outcome) => (outcome === 'open' ? fresh() : outcome)),
    look: () => call((outcome) => outcome),
    end: () => call((outcome) => (outcome === 'paused' || outcome === 'paired' ? outcome : 'ended')),
  };
  const connection = createConnections<Harness['sent']>({
    sessions,
    addresses: { gateway: () => 'http://gateway', sync: () => 'ws://sync' },
    clock,
    log: createMemoryLog(),
    options,
    send: (peer, text) => void peer.push(text),
    close: (peer, how) => void peer.push(how),
    onRotated: (rotated, to) => {
      expect(rotated.sessionId).toBe(current);
      current = to;
    },
  })({ peer: sent, userId: 'alice', sessionId: 'first', socketId: 'a socket', requestId: 'a request' });
  return { clock, connection, sessions, sent, current: () => current, waiting };
}

/** Lets promises that are settled run their course. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...outcomes).map((outcome) => ({ kind: 'answer' as const, outcome })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 7_500, 14_999, 15_000, 120_000)
      .map((ms) => ({ kind: 'time' as const, ms })),
  },
  fc.constantFrom(...(['pause', 'ack', 'missed', 'gone'] as const)).map((kind) => ({ kind })),
);

const isClose = (entry: string | Closing): entry is Closing => typeof entry !== 'string';

function expectSound({ sent, clock, waiting, current }: Harness, ended: boolean): void {
  const urls = sent.filter((entry): entry is string => !isClose(entry) && entry.startsWith('{'));
  const pauses = sent.filter((entry) => entry === frames.pause);
  const acks = sent.filter((entry) => entry === frames.ack);
  const closes = sent.filter(isClose);
  expect(urls.length).toBeLessThanOrEqual(options.changeLimit);
  expect(new Set(urls).size).toBe(urls.length);
  expect(Math.max(pauses.length, acks.length, closes.length)).toBeLessThanOrEqual(1);
  // URLs, then the pause, then the ack, then the close; nothing comes out of turn.
  expect(sent).toEqual([...urls, ...pauses, ...acks, ...closes]);
  if (acks.length > 0) expect(pauses).toHaveLength(1);
  if (sent.length > 0 && sent.length === urls.length && waiting.length === 0) {
    expect(JSON.parse(urls.at(-1) ?? '').qr_url).toContain(`/sessions/${current()}/handshake`);
  }
  if (ended || closes.length > 0) expect(clock.pending).toBe(0);
  // A socket that lives waits for something: an answer or a timer, and for one timer only.
  else expect(clock.pending + waiting.length).toBeGreaterThan(0);
  expect(clock.pending).toBeLessThanOrEqual(1);
}

test('a socket never shows too much, never hangs, ends once and leaves no timer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const harness = createHarness();
      const { connection, clock, waiting, sent } = harness;
      const started = connection.start();
      let gone = false;
      for (const next of steps) {
        const before = sent.length;
        const wasOver = gone || sent.some(isClose);
        if (next.kind === 'answer') waiting.shift()?.(next.outcome);
        else if (next.kind === 'time') clock.advance(next.ms);
        else if (next.kind === 'gone') connection.end();
        else connection[next.kind]();
        gone ||= next.kind === 'gone';
        await settle();
        if (wasOver) expect(sent.length).toBe(before);
        expectSound(harness, gone);
      }
      // Left to itself it comes to its end.
      for (let turn = 0; turn < 10; turn++) {
        waiting.shift()?.('open');
        await settle();
        clock.advance(options.pausedMs);
        await settle();
      }
      expect(gone || sent.some(isClose)).toBe(true);
      expectSound(harness, gone);
      expect([clock.pending, waiting.length]).toEqual([0, 0]);
      await started;
    }),
    { numRuns: 2_000 },
  );
});

test('a session store that fails closes the socket with 1011, at any point', async () => {
  for (let answered = 0; answered <= options.changeLimit; answered++) {
    const { connection, clock, waiting, sent } = createHarness();
    void connection.start();
    for (let turn = 0; turn < answered; turn++) {
      waiting.shift()?.('open');
      await settle();
      clock.advance(options.sleepMs);
    }
    waiting.shift()?.('failure');
    await settle();
    expect(sent.at(-1)).toMatchObject({ code: 1011 });
    expect(sent).toHaveLength(answered + 1);
  }
});

test('a phone that was faster than its message is followed: pause, and ack when it has paired', async () => {
  for (const outcome of ['paused', 'paired'] as const) {
    for (let shown = 0; shown <= options.changeLimit; shown++) {
      const { connection, clock, waiting, sent } = createHarness();
      void connection.start();
      for (let turn = 0; turn < shown; turn++) {
        waiting.shift()?.('open');
        await settle();
        clock.advance(options.sleepMs);
      }
      waiting.shift()?.(outcome);
      await settle();
      const expected =
        outcome === 'paused' ? [frames.pause] : [frames.pause, frames.ack, { code: 1000, reason: 'paired' }];
      expect(sent.slice(shown)).toEqual(expected);
    }
  }
});

/** Rejects as a store does that is away. */
const away = () => Promise.reject(new SwobError('UNAVAILABLE', 'the store is away'));

test('a store that is away for a while ends no socket: it is asked again each second', async () => {
  for (const shown of [1, 2, 3]) {
    const { connection, clock, waiting, sent, sessions } = createHarness();
    void connection.start();
    for (let turn = 1; turn <= shown; turn++) {
      waiting.shift()?.('open');
      await settle();
      if (turn < shown) clock.advance(options.sleepMs);
    }
    const outage = [vi.spyOn(sessions, 'rotate'), vi.spyOn(sessions, 'end')];
    for (const spy of outage) spy.mockImplementation(away);
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
    waiting.shift()?.('open');
    await settle();
    if (shown < options.changeLimit) expect(sent.at(-1)).toMatch(/^\{/);
    else expect(sent.at(-1)).toEqual({ code: 1000, reason: 'session change limit reached' });
  }
});

test('before a paused session times out it is looked at: a phone that has paired is not left hanging', async () => {
  for (const [found, expected] of [
    ['paired', [frames.ack, { code: 1000, reason: 'paired' }]],
    ['paused', [{ code: 4408, reason: 'paused too long' }]],
    ['unknown', [{ code: 4408, reason: 'paused too long' }]],
  ] as const) {
    const { connection, clock, waiting, sent } = createHarness();
    void connection.start();
    waiting.shift()?.('open');
    await settle();
    connection.pause();
    clock.advance(options.pausedMs);
    await settle();
    expect(sent).toHaveLength(2);
    waiting.shift()?.(found);
    await settle();
    expect(sent.slice(2)).toEqual(expected);
  }
});

test('asked to look, it follows a phone whose pause or ack was lost, and leaves everything else as it is', async () => {
  for (const [found, expected] of [
    ['paused', [frames.pause]],
    ['paired', [frames.pause, frames.ack, { code: 1000, reason: 'paired' }]],
    ['open', []],
    ['unknown', []],
    ['failure', []],
  ] as const) {
    const { connection, waiting, sent } = createHarness();
    void connection.start();
    waiting.shift()?.('open');
    await settle();
    connection.missed();
    waiting.shift()?.(found);
    await settle();
    expect(sent.slice(1)).toEqual(expected);
  }
});

test('a pause that comes while the session is asked for is not lost', async () => {
  const { connection, waiting, sent } = createHarness();
  void connection.start();
  connection.pause();
  waiting.shift()?.('open');
  await settle();
  waiting.shift()?.('paused');
  await settle();
  expect(sent.slice(1)).toEqual([frames.pause]);
});
