// What the pairing page does with frames, closes and refusals, without a browser: never two connections, never an endless loop.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFrame } from '../../src/web/pairing/frames.ts';
import { followSession, type Outside, type SessionState } from '../../src/web/pairing/session.ts';
import { chooseLanguage, texts } from '../../src/web/pairing/texts.ts';

interface FakeSocket {
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  isClosed: boolean;
  close(): void;
}

const session = { url: 'ws://127.0.0.1:1/v2/sync/init/alice/1', seconds: 15, pausedSeconds: 120 };
const frame = (n: number) =>
  JSON.stringify({ qr_url: `http://127.0.0.1/${n}/handshake`, mobile_url: `app://127.0.0.1/${n}/handshake` });

function follow(open: Outside['open'] = async () => session, mayConnect = true) {
  const sockets: FakeSocket[] = [];
  const states: SessionState[] = [];
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  let opens = 0;
  const again = followSession(
    {
      open: () => {
        opens++;
        return open();
      },
      connect: () => {
        if (!mayConnect) throw new Error('ws: from a page with https:');
        const socket: FakeSocket = {
          ...{ onmessage: null, onclose: null, isClosed: false },
          close: () => {
            socket.isClosed = true;
          },
        };
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      now: () => 0,
      after: (ms, run) => {
        const timer = { ms, run };
        timers.push(timer);
        return () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
        };
      },
    },
    (state) => states.push(state),
  );
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    ...{ sockets, states, again, settle },
    opens: () => opens,
    kind: () => states.at(-1)?.kind,
    last: () => sockets.at(-1),
    /** Runs the pending timer; returns its pause. */
    tick: async () => {
      const timer = timers.shift();
      timer?.run();
      await settle();
      return timer?.ms;
    },
  };
}

test('a session runs from the code to the pairing', async () => {
  const page = follow();
  await page.settle();
  for (const data of [frame(1), frame(2), '201- pause', '200- ack', frame(3)])
    page.last()?.onmessage?.({ data });
  page.last()?.onclose?.({ code: 1000 });
  expect(page.states.map(({ kind }) => kind)).toEqual([
    'opening',
    'waiting',
    'waiting',
    'connected',
    'paired',
  ]);
});

test('after a loss it reconnects to the same session, and to a new one when the service forgot it', async () => {
  const page = follow();
  await page.settle();
  page.last()?.onmessage?.({ data: frame(1) });
  page.last()?.onclose?.({ code: 1006 });
  expect([page.kind(), await page.tick(), page.sockets.length, page.opens()]).toEqual(['lost', 1_000, 2, 1]);
  // The service has not noticed the loss yet.
  page.last()?.onclose?.({ code: 4409 });
  expect([page.kind(), await page.tick(), page.sockets.length, page.opens()]).toEqual(['lost', 2_000, 3, 1]);
  page.last()?.onclose?.({ code: 4404 });
  expect([await page.tick(), page.sockets.length, page.opens()]).toEqual([4_000, 4, 2]);
  page.last()?.onmessage?.({ data: frame(2) });
  expect(page.kind()).toBe('waiting');
});

test('a connection that the network has dropped without a word is replaced when a frame is overdue', async () => {
  const page = follow();
  await page.settle();
  expect([await page.tick(), page.kind()]).toEqual([30_000, 'lost']);
  expect([await page.tick(), page.sockets.length, page.opens()]).toEqual([1_000, 2, 1]);
  page.last()?.onmessage?.({ data: frame(1) });
  expect([await page.tick(), page.kind(), page.sockets[1]?.isClosed]).toEqual([30_000, 'lost', true]);
  await page.tick();
  page.last()?.onmessage?.({ data: '201- pause' });
  expect([await page.tick(), page.kind()]).toEqual([135_000, 'lost']);
  await page.tick();
  page.last()?.onmessage?.({ data: '200- ack' });
  expect([page.kind(), await page.tick()]).toEqual(['paired', undefined]);
});

test('a phone whose session is lost has to start again', async () => {
  const page = follow();
  await page.settle();
  page.last()?.onmessage?.({ data: '201- pause' });
  page.last()?.onclose?.({ code: 1001 });
  await page.tick();
  page.last()?.onclose?.({ code: 4404 });
  expect(page.states.at(-1)).toEqual({ kind: 'timed out', password: true });
  page.again();
  await page.settle();
  expect([page.opens(), page.sockets.length]).toEqual([2, 3]);
});

test.each([
  [
    { status: 429, retryAfter: 5 },
    { kind: 'limited', until: 5_000 },
  ],
  [{ status: 400, retryAfter: 0 }, { kind: 'refused' }],
  [{ status: 503, retryAfter: 5 }, { kind: 'lost' }],
])('a refusal %j is shown as %j', async (refusal, state) => {
  const page = follow(async () => refusal);
  await page.settle();
  expect(page.states.at(-1)).toEqual(state);
});

test('a service that never comes back is given up', async () => {
  const page = follow(() => Promise.reject(new Error('no network')));
  await page.settle();
  let pauses = 0;
  while ((await page.tick()) !== undefined) pauses++;
  expect([page.kind(), pauses, page.opens()]).toEqual(['gone', 45, 46]);
});

test('a URL that the page may not connect to is not waited for', async () => {
  const page = follow(undefined, false);
  await page.settle();
  expect(page.kind()).toBe('gone');
  page.again();
  await page.settle();
  expect([page.opens(), page.kind()]).toEqual([2, 'gone']);
});

test('whatever happens, at most one connection is open, and starting again always works', async () => {
  const events = fc.oneof(
    fc.constantFrom(frame(1), '201- pause', '200- ack', 'nonsense', '{"qr_url":1}').map((data) => ({ data })),
    fc.constantFrom(1000, 1001, 1006, 1011, 4404, 4408, 4409).map((code) => ({ code })),
    fc.constantFrom('tick' as const, 'again' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(events, { maxLength: 30 }), async (list) => {
      const page = follow();
      await page.settle();
      const closed = new Set<FakeSocket>();
      for (const event of list) {
        const socket = page.last();
        if (event === 'tick') await page.tick();
        else if (event === 'again') {
          page.again();
          await page.settle();
        } else if (socket && !closed.has(socket) && !socket.isClosed) {
          if ('data' in event) socket.onmessage?.(event);
          else {
            closed.add(socket);
            socket.onclose?.(event);
          }
        }
        const open = page.sockets.filter((each) => !each.isClosed && !closed.has(each));
        expect(open.length).toBeLessThanOrEqual(1);
      }
      page.again();
      await page.settle();
      page.last()?.onmessage?.({ data: frame(9) });
      expect(page.kind()).toBe('waiting');
    }),
    { numRuns: 100 },
  );
});

test('only URLs that a phone opens become a code or a link', () => {
  const url = 'http://127.0.0.1/handshake';
  for (const [qr_url, mobile_url] of [
    [url, 'javascript:alert(1)'],
    ['javascript:alert(1)', 'app://127.0.0.1/handshake'],
    [url, `app://${'x'.repeat(2_000)}`],
    [url, undefined],
    [1, 'app://127.0.0.1/'],
  ])
    expect(parseFrame(JSON.stringify({ qr_url, mobile_url }))).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => void parseFrame(text)));
});

test('each language has the same texts, and none is left in English', () => {
  const { en, ...others } = texts;
  for (const other of Object.values(others)) {
    expect(Object.keys(other)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(other)) {
      const english = Object.entries(en).find(([name]) => name === key)?.[1];
      const shown = (value: unknown) => (typeof value === 'function' ? String(value(7)) : String(value));
      expect(shown(text)).not.toBe(shown(english));
      expect(shown(text).includes('7')).toBe(shown(english).includes('7'));
    }
  }
  expect(chooseLanguage(['de-DE', 'FR-ca', 'es'])).toBe('fr');
  expect(chooseLanguage(['constructor', '__proto__', ''])).toBe('en');
});
