// The routes of the Messages view: search, and actions that can be undone.

import { expect, test } from 'vitest';
import type { MessagesActionResult, MessagesData } from '../../src/console/views/messages.ts';
import { asScript, ownPage, postJson, signIn } from '../support/console.ts';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';

async function startWithDeadLetters(count: number): Promise<Messaging> {
  const messaging = await startMessaging({ publisher: { mode: 'reject' } });
  for (let n = 0; n < count; n++) await messaging.send(`g:to@example.org:::subject:${n}`);
  await expect.poll(async () => (await read(messaging)).counts.deadLetters).toBe(count);
  return messaging;
}

async function read(messaging: Messaging, query = ''): Promise<MessagesData> {
  const url = `${messaging.gateway}/console/api/messages${query}`;
  const response = await fetch(url, { headers: asScript(messaging) });
  expect(response.status).toBe(200);
  return (await response.json()) as MessagesData;
}

async function act(messaging: Messaging, action: string, body: object): Promise<MessagesActionResult> {
  const url = `${messaging.gateway}/console/api/messages/${action}`;
  const { status, body: result } = await postJson(url, body, asScript(messaging));
  expect(status).toBe(200);
  return result as MessagesActionResult;
}

test('finds a message by number and id, and shows its history and the remedy', async () => {
  const messaging = await startMessaging();
  await messaging.send('g:to@example.org:::subject:body');
  await messaging.post({ text: 'an ordinary SMS', MSISDN: '+237650000001' });
  const number = encodeURIComponent(msisdn.replace('+237', '00237 '));
  const [message] = (await read(messaging, `?text=${number}`)).messages;
  expect(message).toMatchObject({ state: 'published', msisdn, lastEvent: { event: 'published' } });
  const { selected } = await read(messaging, `?id=${message?.id}`);
  expect(selected?.history.map(({ event }) => event)).toEqual(['received by gateway-client', 'published']);
  const [refused] = (await read(messaging, '?state=refused')).messages;
  expect(refused?.remedy).toContain('ordinary SMS');
  expect((await read(messaging, `?id=${'f'.repeat(32)}`)).selected).toBeNull();
});

test('drops after the time for undoing it, and what is undone stays', async () => {
  const messaging = await startWithDeadLetters(2);
  const [first, second] = (await read(messaging, '?state=dead-lettered')).messages;
  expect(first?.lastEvent?.event).toMatch(/^dead-lettered: the Publisher at \S+ answered 400$/);
  const undone = await act(messaging, 'drop', { id: first?.id });
  expect(undone).toMatchObject({ kind: 'pending', action: { kind: 'drop', target: { id: first?.id } } });
  const { action } = undone.kind === 'pending' ? undone : { action: undefined };
  expect(await act(messaging, 'undo', { id: action?.id })).toEqual({ kind: 'undone' });
  await act(messaging, 'drop', { id: second?.id });
  messaging.clock.advance(10_000);
  await expect.poll(async () => (await read(messaging)).counts.deadLetters).toBe(1);
  const { actions } = await read(messaging);
  expect(actions).toMatchObject([
    { state: 'done', done: 1, total: 1 },
    { state: 'undone', done: 0 },
  ]);
  const logged = messaging.log.lines.filter(({ message }) => message.includes('of messages'));
  expect(logged[0]?.fields).toMatchObject({ operator: 'token', address: '127.0.0.1', id: first?.id });
});

test('retries all that match, once the Publisher works again', async () => {
  const messaging = await startWithDeadLetters(3);
  messaging.publisher.setMode('normal');
  expect(await act(messaging, 'retry-all', { state: 'dead-lettered', text: msisdn })).toMatchObject({
    kind: 'pending',
  });
  messaging.clock.advance(5_000);
  await expect.poll(() => messaging.publisher.messages().length).toBe(3);
  await expect.poll(async () => (await read(messaging)).actions).toMatchObject([{ state: 'done', done: 3 }]);
  expect(await act(messaging, 'drop-all', { state: 'published' })).toMatchObject({ kind: 'not possible' });
});

test('refuses queries that are not well formed', async () => {
  const messaging = await startMessaging();
  const queries = [
    'page=0',
    'state=lost',
    `text=${'x'.repeat(101)}`,
    'id=../etc',
    'from=yesterday',
    'unknown=1',
  ];
  for (const query of queries) {
    const url = `${messaging.gateway}/console/api/messages?${query}`;
    expect((await fetch(url, { headers: asScript(messaging) })).status, query).toBe(400);
  }
});

test('refuses actions without a session, of another site, and with a wrong body', async () => {
  const messaging = await startMessaging();
  const url = `${messaging.gateway}/console/api/messages/drop-all`;
  const body = { state: 'dead-lettered' };
  expect((await postJson(url, body)).status).toBe(401);
  const cookie = await signIn(messaging);
  expect((await postJson(url, body, { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await postJson(url, { state: 'all' }, { ...ownPage, cookie })).status).toBe(400);
  expect((await postJson(url, body, { ...ownPage, cookie })).status).toBe(200);
});
