// The stand-in for the Publisher, over real sockets: what it accepts, and how it simulates failures.

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { failRatio } from '../../src/stubs/fail-ratio.ts';
import {
  type ArrivedMessage,
  type PublisherStubOptions,
  startPublisherStub,
} from '../../src/stubs/publisher.ts';
import { anyText } from '../support/any-text.ts';
import { createFakeClock } from '../support/fake-clock.ts';

type Body = NonNullable<RequestInit['body']>;

async function start(options: Partial<PublisherStubOptions> = {}) {
  const taken: ArrivedMessage[] = [];
  const stub = await startPublisherStub({
    host: '127.0.0.1',
    port: 0,
    onMessage: (message) => taken.push(message),
    ...options,
  });
  onTestFinished(() => stub.close());
  const send = (body: Body, headers: Record<string, string> = {}, path = '/publish') =>
    fetch(`${stub.url}${path}`, { method: 'POST', body, headers });
  return {
    ...stub,
    /** The messages passed to `onMessage`. */
    taken,
    send,
    publish: (message: string, key?: string) =>
      send(
        JSON.stringify({ MSISDN: '+237650000001', message }),
        key === undefined ? {} : { 'idempotency-key': key },
      ),
    listed: async (): Promise<unknown> => (await fetch(`${stub.url}/__messages`)).json(),
    setBehaviour: (behaviour: unknown) =>
      fetch(`${stub.url}/__behaviour`, { method: 'POST', body: JSON.stringify(behaviour) }),
  };
}

const texts = (messages: readonly ArrivedMessage[]) => messages.map(({ message }) => message);

describe('a message', () => {
  test('gets 200 published on any path, is passed to onMessage, and is listed in order', async () => {
    const stub = await start({ clock: createFakeClock(1_000) });
    const response = await stub.publish('g:a@example.org:::Subject:Body', 'key-1');
    expect([response.status, await response.text()]).toEqual([200, 'published']);
    expect((await stub.send('{"MSISDN":"1","message":"two"}', {}, '/else/where?x=1')).status).toBe(200);
    const expected = [
      { id: 'key-1', MSISDN: '+237650000001', message: 'g:a@example.org:::Subject:Body', at: 1_000 },
      { id: null, MSISDN: '1', message: 'two', at: 1_000 },
    ];
    expect(stub.taken).toEqual(expected);
    expect(stub.messages()).toEqual(expected);
    expect(await stub.listed()).toEqual(expected);
    const cleared = await fetch(`${stub.url}/__messages`, { method: 'DELETE' });
    expect([await cleared.json(), await stub.listed()]).toEqual([[], []]);
  });

  test('arrives unchanged whatever it contains', async () => {
    const stub = await start();
    await fc.assert(
      fc.asyncProperty(anyText({ maxLength: 200 }), async (message) => {
        await (await stub.publish(message)).text();
        expect(stub.taken.at(-1)?.message).toBe(message);
      }),
      { numRuns: 50 },
    );
    for (const message of ['\ud800', '\ufeffmark', '\0\u001b[2J\r\n\u2028', '\u202e✓ ñ 🙂']) {
      await stub.publish(message);
      expect(await stub.listed()).toEqual(expect.arrayContaining([expect.objectContaining({ message })]));
    }
  });

  test('may be as large as 1 MiB with the rest of its body, and no larger', async () => {
    const stub = await start();
    const around = JSON.stringify({ MSISDN: '1', message: '' }).length;
    const largest = JSON.stringify({ MSISDN: '1', message: `✓${'x'.repeat(1024 * 1024 - around - 3)}` });
    expect(Buffer.byteLength(largest)).toBe(1024 * 1024);
    expect((await stub.send(largest)).status).toBe(200);
    expect(stub.taken[0]?.message).toMatch(/^✓x+$/);
    expect(stub.taken[0]?.message.length).toBe(1024 * 1024 - around - 2);
    expect((await stub.send(`${largest} `)).status).toBe(413);
    expect(stub.taken).toHaveLength(1);
  });

  test.each<[string, Body]>([
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['no MSISDN', '{"message":"x"}'],
    ['no message', '{"MSISDN":"1"}'],
    ['a message that is not text', '{"MSISDN":"1","message":{}}'],
    ['no UTF-8', Buffer.from('{"MSISDN":"1","message":"\xff"}', 'latin1')],
  ])('that is %s is refused with 400', async (_case, body) => {
    const stub = await start({ fail: { failing: 1, of: 1 } });
    expect((await stub.send(body)).status).toBe(400);
    expect(stub.taken).toEqual([]);
  });

  test('whose Idempotency-Key is over 255 characters is refused with 400', async () => {
    const stub = await start();
    expect((await stub.publish('x', 'k'.repeat(255))).status).toBe(200);
    expect((await stub.publish('x', 'k'.repeat(256))).status).toBe(400);
  });

  test('is evicted, oldest first, when all of them together grow too large', async () => {
    const stub = await start();
    const large = 'x'.repeat(1_000_000);
    for (let index = 0; index < 68; index += 1) await (await stub.publish(`${index}:${large}`)).text();
    const kept = texts(stub.messages()).map((message) => Number(message.split(':')[0]));
    expect(kept).toEqual(Array.from({ length: 67 }, (_, index) => index + 1));
  });
});

describe('a repeated Idempotency-Key', () => {
  test('gets the previous response, and is neither passed on nor listed again', async () => {
    const stub = await start();
    for (const [message, key] of [
      ['a', '1'],
      ['a', '1'],
      ['b', '2'],
      ['other', '1'],
    ] as const) {
      const response = await stub.publish(message, key);
      expect([response.status, await response.text()]).toEqual([200, 'published']);
    }
    expect(texts(stub.taken)).toEqual(['a', 'b']);
    expect(texts(stub.messages())).toEqual(['a', 'b']);
    await fetch(`${stub.url}/__messages`, { method: 'DELETE' });
    await stub.publish('a', '1');
    expect(stub.messages()).toEqual([]);
  });

  test('counts without dedupe, and messages without a key always do', async () => {
    const counting = await start({ dedupe: false });
    await counting.publish('a', '1');
    await counting.publish('a', '1');
    expect(texts(counting.taken)).toEqual(['a', 'a']);
    const stub = await start();
    await stub.publish('a');
    await stub.publish('a');
    expect(texts(stub.taken)).toEqual(['a', 'a']);
  });

  test('is new when its message was not accepted the first time', async () => {
    const stub = await start({ fail: { failing: 1, of: 2 } });
    expect((await stub.publish('a', '1')).status).toBe(500);
    expect((await stub.publish('a', '1')).status).toBe(200);
    expect(texts(stub.taken)).toEqual(['a']);
  });
});

describe('simulated failures', () => {
  const statuses = async (stub: Awaited<ReturnType<typeof start>>, count: number) => {
    const seen: number[] = [];
    for (let index = 0; index < count; index += 1) seen.push((await stub.publish(String(index))).status);
    return seen;
  };

  test('the first n of each m messages get 500 and are not accepted', async () => {
    const stub = await start({ fail: { failing: 2, of: 3 } });
    expect(await statuses(stub, 7)).toEqual([500, 500, 200, 500, 500, 200, 500]);
    expect(texts(stub.taken)).toEqual(['2', '5']);
  });

  test('restarts with another setting, and stays without one', async () => {
    const stub = await start();
    const changed = await stub.setBehaviour({ mode: 'normal', fail: '1/2' });
    expect(await changed.json()).toEqual({ mode: 'normal', fail: '1/2' });
    expect(await statuses(stub, 3)).toEqual([500, 200, 500]);
    await stub.setBehaviour({ mode: 'normal' });
    expect(await statuses(stub, 2)).toEqual([200, 500]);
    await stub.setBehaviour({ mode: 'normal', fail: '0/1' });
    expect(await statuses(stub, 2)).toEqual([200, 200]);
  });

  test.each([
    ['1/3', { failing: 1, of: 3 }],
    ['0/1', { failing: 0, of: 1 }],
    ['3/3', { failing: 3, of: 3 }],
    ['999999/999999', { failing: 999_999, of: 999_999 }],
    ['4/3', undefined],
    ['0/0', undefined],
    ['1', undefined],
    ['1/', undefined],
    ['-1/3', undefined],
    ['1.5/3', undefined],
    ['1/1000000', undefined],
    ['1/3\n', undefined],
  ])('%j is %j', (text, ratio) => {
    expect(failRatio(text)).toEqual(ratio);
  });
});

describe('behaviour', () => {
  test.each([
    ['refuse', 500],
    ['reject', 400],
  ] as const)('%s answers %d, takes nothing, and ends after its count', async (mode, status) => {
    const stub = await start({ mode });
    expect((await stub.publish('a', '1')).status).toBe(status);
    stub.setMode('normal');
    expect((await stub.publish('a', '1')).status).toBe(200);
    expect(await (await stub.setBehaviour({ mode, count: 1 })).json()).toEqual({ mode, count: 1 });
    expect((await stub.publish('b', '2')).status).toBe(status);
    expect((await stub.publish('b', '2')).status).toBe(200);
    expect(texts(stub.taken)).toEqual(['a', 'b']);
  });

  test('close accepts the message and ends the connection without a response', async () => {
    const stub = await start({ mode: 'close' });
    await expect(stub.publish('a', '1')).rejects.toThrow();
    stub.setMode('normal');
    expect((await stub.publish('a', '1')).status).toBe(200);
    expect(texts(stub.taken)).toEqual(['a']);
  });

  test('slow accepts the message immediately and responds after its delay', async () => {
    const clock = createFakeClock();
    const stub = await start({ clock, mode: 'slow', ms: 500 });
    let answered = false;
    const response = stub.publish('a').finally(() => {
      answered = true;
    });
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(texts(stub.taken)).toEqual(['a']);
    clock.advance(499);
    await stub.listed();
    expect(answered).toBe(false);
    clock.advance(1);
    expect((await response).status).toBe(200);
    expect(clock.pending).toBe(0);
  });

  test('slow cancels its timer when the client disconnects', async () => {
    const clock = createFakeClock();
    const stub = await start({ clock, mode: 'slow', ms: 500 });
    const client = new AbortController();
    const body = '{"MSISDN":"1","message":"a"}';
    const gone = fetch(stub.url, { method: 'POST', body, signal: client.signal }).catch(() => 'gone');
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    client.abort();
    expect(await gone).toBe('gone');
    await vi.waitFor(() => expect(clock.pending).toBe(0));
  });

  test('hang accepts nothing and sends nothing, and closing ends it', async () => {
    const stub = await start();
    stub.setMode('hang', { count: 1 });
    const responses = ['a', 'b'].map((message) =>
      stub.publish(message).then(
        () => message,
        () => 'cut off',
      ),
    );
    const answered = await Promise.race(responses);
    await stub.close();
    expect((await Promise.all(responses)).toSorted()).toEqual([answered, 'cut off']);
    expect(texts(stub.taken)).toEqual([answered]);
  });

  test.each([
    [null, 'not a JSON object'],
    [{ mode: 'odd' }, 'mode: expected one of normal, refuse, reject'],
    [{ fail: '1/2' }, 'mode: expected one of'],
    [{ mode: 'slow', ms: -1 }, 'ms: expected a number from 0 to 3600000'],
    [{ mode: 'refuse', count: 0 }, 'count: expected a whole number from 1'],
    [{ mode: 'refuse', fail: '2/1' }, 'fail: expected'],
    [{ mode: 'refuse', fail: 1 }, 'fail: expected'],
  ])('stays as it is when the wish is %j', async (behaviour, reason) => {
    const stub = await start();
    const response = await stub.setBehaviour(behaviour);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining(reason) },
    ]);
    expect((await stub.publish('a')).status).toBe(200);
  });
});

test.each([
  ['GET', '/publish'],
  ['PUT', '/publish'],
  ['PUT', '/__messages'],
  ['POST', '/__other'],
])('%s %s is 404', async (method, path) => {
  expect((await fetch(`${(await start()).url}${path}`, { method })).status).toBe(404);
});
