// `/v1/publications` of the stub of the Publisher, over real sockets: its checks, its responses, and the failures that it
// simulates there too.

import { expect, onTestFinished, test } from 'vitest';
import { type PublisherStubOptions, startPublisherStub } from '../../src/stubs/publisher.ts';
import { bridgePayload, imageSegments, payloadV0, versionedPayload } from '../support/relay-payloads.ts';

async function start(options: Partial<PublisherStubOptions> = {}) {
  const stub = await startPublisherStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  const post = async (body: unknown) => {
    const response = await fetch(`${stub.url}/v1/publications`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };
  return {
    ...stub,
    post,
    send: (text: string, more = {}) => post({ address: '+237650000001', text, ...more }),
  };
}

const text = versionedPayload(1).toString('base64');
const queued = [200, { message: 'Publication request queued successfully.' }];

test('queues payloads of every format, and lists them as they came', async () => {
  const stub = await start();
  const payloads = [
    payloadV0(),
    ...([1, 2, 3, 4] as const).map((version) => versionedPayload(version)),
    bridgePayload(),
  ];
  const texts = [...payloads.map((bytes) => bytes.toString('base64')), ...imageSegments('A'.repeat(300))];
  for (const each of texts) expect([each, await stub.send(each)]).toEqual([each, queued]);
  expect(stub.messages().map(({ message }) => message)).toEqual(texts);
  expect(stub.messages()[0]).toMatchObject({ MSISDN: '+237650000001', publication: true, id: null });
});

test.each([
  ['prose', 'hello, how are you?', 400],
  ['other base64', Buffer.alloc(30, 0xee).toString('base64'), 400],
  ['cut short', versionedPayload(1).subarray(0, -3).toString('base64'), 400],
  ['absent', undefined, 422],
  ['a number', 5, 422],
])('a text that is %s is refused', async (_name, malformed, status) => {
  const stub = await start({ fail: { failing: 1, of: 1 } });
  expect(await stub.post({ address: '+237650000001', text: malformed })).toEqual([
    status,
    { detail: expect.any(String) },
  ]);
  expect(stub.messages()).toEqual([]);
});

test('R5: a tag that is wrong, empty, absent or in another case is refused', async () => {
  const stub = await start({ tag: 'secret' });
  for (const more of [{}, { tag: '' }, { tag: 'Secret' }, { tag: 'secret ' }, { tag: ['secret'] }])
    expect([more, await stub.send(text, more)]).toEqual([more, [403, { detail: 'missing or wrong tag' }]]);
  expect(await stub.send(text, { tag: 'secret' })).toEqual(queued);
  expect(stub.messages()).toHaveLength(1);
});

test('fails as simulated', async () => {
  const stub = await start({ fail: { failing: 1, of: 2 } });
  expect([(await stub.send(text))[0], (await stub.send(text))[0]]).toEqual([500, 200]);
  stub.setMode('reject', { fail: { failing: 0, of: 1 } });
  expect((await stub.send(text))[0]).toBe(400);
  stub.setMode('close');
  await expect(stub.send(text)).rejects.toThrow();
  expect(stub.messages()).toHaveLength(2);
});
