// The routes of the Outgoing view: requests, messages, their filters, one message, and cancellation.

import { expect, test } from 'vitest';
import {
  createOutgoingView,
  type OutgoingActionResult,
  type OutgoingData,
  type OutgoingDeps,
} from '../../src/console/views/outgoing.ts';
import { createSendingStatistics } from '../../src/domain/outgoing/sending-statistics.ts';
import { asScript, ownPage, postJson, signIn } from '../support/console.ts';
import { startWithMessages } from '../support/console-outgoing.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { messageOf } from '../support/outgoing-messages.ts';
import type { Services } from '../support/services.ts';

async function read(services: Services, query = ''): Promise<OutgoingData> {
  const url = `${services.gateway}/console/api/outgoing${query}`;
  const response = await fetch(url, { headers: asScript(services) });
  expect(response.status, query).toBe(200);
  return (await response.json()) as OutgoingData;
}

async function act(services: Services, action: string, body: object): Promise<OutgoingActionResult> {
  const url = `${services.gateway}/console/api/outgoing/${action}`;
  const { status, body: result } = await postJson(url, body, asScript(services));
  expect(status).toBe(200);
  return result as OutgoingActionResult;
}

const pending = { handover: 'pending', waitsUntil: Date.UTC(2026, 4, 5) } as const;

test('lists requests and messages by the filters, and shows one of each', async () => {
  const services = await startWithMessages((now) => [
    messageOf(now - 5_000, {
      id: '11',
      uuid: 'a',
      state: 'delivered',
      times: { queued: now - 5_000, delivered: now },
    }),
    messageOf(now - 5_000, { id: '12', uuid: 'a', index: 1, number: '+237650393369', ...pending }),
    messageOf(now - 4_000, { id: '13', uuid: 'b', authId: 'other', operatorName: '' }),
  ]);
  const { requests, messages, today } = await read(services);
  expect(requests).toMatchObject([
    { authId: 'other', uuid: 'b', pending: 0, states: { queued: 1 } },
    { authId: 'dev', uuid: 'a', pending: 1, states: { queued: 1, delivered: 1 } },
  ]);
  expect(messages).toEqual([]);
  expect(today).toMatchObject({ states: { queued: 2, delivered: 1 }, operators: [{}, { operator: '' }] });

  const idsOf = async (query: string) => (await read(services, query)).messages.map(({ id }) => id);
  expect(await idsOf('?list=messages')).toEqual(['13', '12', '11']);
  expect(await idsOf('?list=messages&number=00237%20650%20393%20369')).toEqual(['12']);
  expect(await idsOf('?list=messages&state=delivered&operator=MTN%20Cameroon')).toEqual(['11']);
  expect(await idsOf('?developer=dev&uuid=a')).toEqual(['11', '12']);
  expect(await idsOf('?developer=dev&uuid=a&state=queued')).toEqual(['12']);
  const { request, selected } = await read(services, '?developer=dev&uuid=a&id=12');
  expect(request).toMatchObject({ uuid: 'a', pending: 1 });
  expect(selected).toMatchObject({
    number: '+237650393369',
    isPending: true,
    waitsUntil: pending.waitsUntil,
  });
  expect(selected?.steps.map(({ event }) => event)).toEqual(['requested by dev', 'waits in swob until']);
  expect(await read(services, '?developer=dev&uuid=b&id=99')).toMatchObject({
    request: null,
    selected: null,
  });
});

test('pages the messages of a large request', async () => {
  const services = await startWithMessages((now) =>
    Array.from({ length: 120 }, (_, index) => messageOf(now - 1_000, { uuid: 'a', index, parts: 1 })),
  );
  const seen: string[] = [];
  for (let before = ''; seen.length < 200; ) {
    const { messages, next } = await read(services, `?developer=dev&uuid=a${before}`);
    seen.push(...messages.map(({ id }) => id));
    if (next === undefined) break;
    before = `&before=${next}`;
  }
  expect([seen.length, new Set(seen).size]).toEqual([120, 120]);
});

test('cancels a message and a request, and says what was too late', async () => {
  const services = await startWithMessages((now) => [
    messageOf(now - 5_000, { id: '11', uuid: 'a' }),
    messageOf(now - 5_000, { id: '12', uuid: 'a', ...pending }),
    messageOf(now - 5_000, { id: '13', uuid: 'a', ...pending }),
    messageOf(now - 5_000, { id: '14', uuid: 'a', ...pending }),
  ]);
  expect(await act(services, 'cancel', { id: '11' })).toEqual({ kind: 'too late', state: 'queued' });
  expect(await act(services, 'cancel', { id: '99' })).toEqual({ kind: 'unknown' });
  expect(await act(services, 'cancel', { id: '12' })).toMatchObject({ kind: 'cancelled', cancelled: 1 });
  expect(await act(services, 'cancel-request', { developer: 'dev', uuid: 'a' })).toEqual({
    kind: 'cancelled',
    cancelled: 2,
    tooLate: 1,
  });
  expect(await act(services, 'cancel-request', { developer: 'other', uuid: 'a' })).toEqual({
    kind: 'unknown',
  });
  const { request } = await read(services, '?developer=dev&uuid=a');
  expect(request).toMatchObject({ pending: 0, states: { cancelled: 3, queued: 1 } });

  const url = `${services.gateway}/console/api/outgoing/cancel`;
  expect((await postJson(url, { id: '11' })).status).toBe(401);
  const cookie = await signIn(services);
  expect((await postJson(url, { id: '11' }, { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await postJson(url, { id: '../1' }, { ...ownPage, cookie })).status).toBe(400);
  for (const query of ['state=lost', 'list=all', 'id=0', 'from=x', 'before=../', 'unknown=1', 'uuid='])
    expect(
      (await fetch(`${services.gateway}/console/api/outgoing?${query}`, { headers: asScript(services) }))
        .status,
      query,
    ).toBe(400);
});

test('names phones that any node passes over, once', async () => {
  const answers = [
    [{ route: 'a', why: 'failed', leftMs: 5 }],
    [
      { route: 'a', why: 'failed', leftMs: 9 },
      { route: 'b', why: 'silent', leftMs: 1 },
    ],
  ];
  const outgoing = {
    report: () => createSendingStatistics(createFakeClock()).report(),
    passedOver: () => answers.shift() ?? [],
    brokerState: undefined,
    waitingCallbacks: async () => 0,
    overview: { today: async () => ({}), requests: async () => ({ requests: [] }) },
  };
  const share = (_topic: string, handle: (request: object) => unknown) => async (request: object) => ({
    responses: [{ response: handle(request) }, { response: handle(request) }],
    missing: [],
  });
  const view = createOutgoingView({ outgoing, nodes: { share } } as unknown as OutgoingDeps);
  expect(await view.read({}, { now: 0 })).toMatchObject({
    passedOver: [
      { route: 'a', why: 'failed' },
      { route: 'b', why: 'silent' },
    ],
  });
});
