// The stub of a developer's server, with callbacks as swob signs them.

import { expect, onTestFinished, test } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { startCallbacksStub } from '../../src/stubs/callbacks.ts';

const body = '{"uuid":"1","errors":[]}';
const time = 1_700_000_000;

async function start(options: object = {}) {
  const stub = await startCallbacksStub({ host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => stub.close());
  const post = async (headers: Record<string, string> = {}, text = body) =>
    (await fetch(`${stub.url}/results`, { method: 'POST', headers, body: text })).status;
  return { ...stub, post };
}

test('accepts JSON objects and lists them', async () => {
  const { post, journal } = await start();
  expect([await post(), await post({}, '[]'), await post({}, 'x')]).toEqual([204, 400, 400]);
  expect(journal.all()[0]).toMatchObject({ path: '/results', body: { uuid: '1', errors: [] }, status: 204 });
});

test('checks the signature', async () => {
  const { post } = await start({ secret: 'secret' });
  const signed = (secret: string) => ({
    'webhook-id': 'a',
    'webhook-timestamp': String(time),
    'webhook-signature': signWebhook(secret, 'a', time, body),
  });
  expect([await post(signed('secret')), await post(signed('other')), await post()]).toEqual([204, 401, 401]);
  expect(await post(signed('secret'), '{"uuid":"2"}')).toBe(401);
});

test('refuses a secret with which nothing can be signed', async () => {
  await expect(start({ secret: 'whsec_?' })).rejects.toMatchObject({ code: 'CONFIG' });
});

test('fails as its modes say', async () => {
  const { post, setMode } = await start({ mode: 'refuse' });
  expect(await post()).toBe(500);
  setMode('slow', { ms: 1 });
  expect(await post()).toBe(204);
  setMode('close');
  await expect(post()).rejects.toThrow('fetch failed');
});
