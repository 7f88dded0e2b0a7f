// Outgoing SMS on the memory store, with a broker and a developer API that fail as a test says.

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createDevelopers } from '../../src/domain/developers.ts';
import type { Callback, OutgoingSms } from '../../src/domain/model.ts';
import { createOutbox } from '../../src/domain/outbox.ts';
import { createOutgoing, type SendRequest } from '../../src/domain/outgoing.ts';
import {
  authIdPattern,
  operatorFault,
  queueName,
  routingKey,
  tenantPrefix,
} from '../../src/domain/outgoing-names.ts';
import type { Broker } from '../../src/domain/upstreams.ts';
import { SwobError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { createTelecom } from '../../src/telecom/telecom.ts';
import { storeOptions } from '../contract/store.ts';
import { createCaller } from '../support/caller.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

const caller = createCaller();
const { address } = caller;
const number = '+237650393369';
const sms = { number, text: 'hello', operator_name: 'MTN Cameroon' };
const request: SendRequest = { authId: 'dev1', authKey: 'key', data: [sms] };
const setup = { id: 'setup', key: 'secret' };
const subscription = { authId: 'dev1', authKey: 'key', setup };
const unavailable = new SwobError('UNAVAILABLE', 'no connection to the broker', { retryAfter: 5 });

function createWorld(options: { broker?: boolean; tenants?: boolean; setup?: typeof setup } = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createMemoryStore(storeOptions(clock));
  const broker = {
    send: vi.fn(async (_sms: OutgoingSms): ReturnType<Broker['send']> => 'sent'),
    close: async () => {},
  };
  const tenants = {
    subscribe: vi.fn(async (_id: string, _key: string) => {}),
    unsubscribe: vi.fn(async (_id: string) => {}),
    isSubscribed: vi.fn(async (_id: string) => true),
  };
  const api = { authenticate: vi.fn(async (id: string, key: string) => id === 'dev1' && key === 'key') };
  const called: Callback[] = [];
  const callbacks = createOutbox<Callback>({
    name: 'callback',
    store: store.callbacks,
    clock,
    log,
    random: () => 1,
    width: 4,
    maxAgeMs: 60_000,
    maxPauseMs: 60_000,
    keepFailedMs: 0,
    deliver: async ({ content }) => {
      called.push(content);
      return { kind: 'done' };
    },
  });
  callbacks.start();
  const outgoing = createOutgoing({
    broker: options.broker === false ? undefined : broker,
    tenants: options.tenants === false ? undefined : tenants,
    developers: createDevelopers({
      api,
      limits: store.limits,
      setup: options.setup ?? setup,
      guessLimit: { count: 3, windowMs: 60_000 },
    }),
    telecom: createTelecom({ operatorsFile: '' }),
    limits: store.limits,
    flights: undefined,
    answers: store.answers,
    callbacks,
    requestLimit: { count: 50, windowMs: 60_000 },
    clock,
    log,
  });
  return { clock, log, store, broker, tenants, api, called, outgoing };
}

const errorsIn = ({ body }: { body: string }): { number: string; error_message: string }[] =>
  JSON.parse(body).errors;

describe('a request to send', () => {
  test('gives each SMS to the broker, and answers with a uuid and no errors', async () => {
    const { outgoing, broker } = createWorld();
    const asker = createCaller();
    const { body, complete } = await outgoing.send(request, asker);
    expect(asker.log.lines).toMatchObject([{ message: 'outgoing SMS', fields: { sms: 1, failed: 0 } }]);
    expect(JSON.parse(body)).toEqual({ uuid: expect.stringMatching(/^[0-9a-f-]{36}$/), errors: [] });
    expect(complete).toBe(true);
    expect(broker.send.mock.calls).toEqual([
      [{ authId: 'dev1', operatorName: 'MTN Cameroon', number, text: 'hello' }],
    ]);
  });

  test('one bad number, an unknown operator and an operator without phones do not hold up the others', async () => {
    const { outgoing, broker, clock } = createWorld();
    broker.send.mockImplementation(async ({ operatorName }) =>
      operatorName === 'Nobody' ? 'unroutable' : 'sent',
    );
    const answer = await outgoing.send(
      {
        ...request,
        uuid: 'mine',
        data: [
          { number: '650393369', text: 'a', operator_name: 'MTN' },
          { number: '+14155550123', text: 'b' },
          { ...sms, operator_name: 'Nobody' },
          { number, text: 'c' },
          sms,
        ],
      },
      caller,
    );
    const timestamp = new Date(clock.now()).toISOString();
    expect(JSON.parse(answer.body)).toEqual({
      uuid: 'mine',
      errors: [
        {
          number: '650393369',
          operator_name: 'MTN',
          error_message: 'not a phone number in E.164 format',
          timestamp,
        },
        {
          number: '+14155550123',
          operator_name: '',
          error_message: expect.stringMatching(/not a phone number|operator of this number is unknown/),
          timestamp,
        },
        {
          number,
          operator_name: 'Nobody',
          error_message: 'no gateway client for operator Nobody',
          timestamp,
        },
      ],
    });
    // The operator that was not named comes from the number.
    expect(broker.send.mock.calls.map(([{ text, operatorName }]) => [text, operatorName])).toEqual([
      ['hello', 'Nobody'],
      ['c', 'MTN Cameroon'],
      ['hello', 'MTN Cameroon'],
    ]);
  });

  test('Q11: what the broker does not confirm is reported for that recipient, and not as sent', async () => {
    const { outgoing, broker } = createWorld();
    broker.send.mockResolvedValueOnce('sent').mockResolvedValueOnce('unconfirmed');
    const answer = await outgoing.send({ ...request, data: [sms, sms] }, caller);
    expect(answer.complete).toBe(true);
    expect(errorsIn(answer)).toEqual([
      expect.objectContaining({ error_message: 'the broker did not confirm it; it may have been sent' }),
    ]);
  });

  test('Q11: of which nothing was confirmed is answered for good: repeated, it would be sent twice', async () => {
    const { outgoing, broker } = createWorld();
    broker.send.mockResolvedValue('unconfirmed');
    const keyed = { ...request, idempotencyKey: 'k', data: [sms, sms] };
    const first = await outgoing.send(keyed, caller);
    expect(first.complete).toBe(true);
    expect(errorsIn(first)).toHaveLength(2);
    const tried = broker.send.mock.calls.length;
    expect(await outgoing.send(keyed, caller)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(tried);
  });

  test('a full queue holds up no other', async () => {
    const { outgoing, broker } = createWorld();
    broker.send.mockImplementation(async ({ operatorName }) =>
      operatorName === 'Full' ? 'refused' : 'sent',
    );
    const data = [...Array.from({ length: 60 }, () => ({ ...sms, operator_name: 'Full' })), sms];
    const answer = await outgoing.send({ ...request, data }, caller);
    expect(answer.complete).toBe(true);
    expect(errorsIn(answer)).toHaveLength(60);
    expect(errorsIn(answer)[0]?.error_message).toContain('the queue of its gateway clients is full');
    expect(broker.send).toHaveBeenCalledTimes(61);
  });

  test('of which the broker takes nothing is incomplete, and does not wait for each', async () => {
    const { outgoing, broker } = createWorld();
    broker.send.mockRejectedValue(unavailable);
    const data = Array.from({ length: 500 }, () => sms);
    const answer = await outgoing.send({ ...request, data }, caller);
    expect(answer.complete).toBe(false);
    expect(errorsIn(answer)).toHaveLength(500);
    expect(errorsIn(answer)[0]?.error_message).toBe('not sent: no connection to the broker');
    expect(broker.send.mock.calls.length).toBeLessThanOrEqual(50);
  });

  test.each([
    ['wrong key', { ...request, authKey: 'other' }],
    ['unknown developer', { ...request, authId: 'dev2' }],
  ])('%s is UNAUTHENTICATED, and guessing is limited', async (_what, wrong) => {
    const { outgoing, broker, api } = createWorld();
    for (let n = 0; n < 3; n++) {
      await expect(outgoing.send(wrong, caller)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await expect(outgoing.send(wrong, caller)).rejects.toMatchObject({ code: 'LIMITED' });
    expect(api.authenticate).toHaveBeenCalledTimes(3);
    expect(broker.send).not.toHaveBeenCalled();
  });

  test('of a developer who has not subscribed is UNAUTHENTICATED', async () => {
    const { outgoing, tenants, broker } = createWorld();
    tenants.isSubscribed.mockResolvedValue(false);
    await expect(outgoing.send(request, caller)).rejects.toThrow('not subscribed');
    expect(broker.send).not.toHaveBeenCalled();
  });

  test('is tried when nobody can tell whether he has subscribed', async () => {
    const { outgoing, tenants } = createWorld();
    tenants.isSubscribed.mockRejectedValue(new SwobError('UPSTREAM', 'the management API failed'));
    expect((await outgoing.send(request, caller)).complete).toBe(true);
  });

  test('without a broker says so', async () => {
    const { outgoing } = createWorld({ broker: false });
    await expect(outgoing.send(request, caller)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'no broker configured',
    });
  });

  test('too many requests are limited, from an address and for a developer', async () => {
    const { outgoing } = createWorld();
    for (let n = 0; n < 50; n++) await outgoing.send(request, createCaller(`192.0.2.${n}`));
    await expect(outgoing.send(request, caller)).rejects.toMatchObject({ code: 'LIMITED' });
    const other = createWorld();
    other.api.authenticate.mockResolvedValue(true);
    for (let n = 0; n < 50; n++) await other.outgoing.send({ ...request, authId: `dev${n}` }, caller);
    const more = other.outgoing.send({ ...request, authId: 'more' }, caller);
    await expect(more).rejects.toMatchObject({ code: 'LIMITED' });
  });

  test('numbers to look up are counted, not requests', async () => {
    const { outgoing } = createWorld();
    await outgoing.withOperators(
      Array.from({ length: 50 }, () => ({ number })),
      address,
    );
    await expect(outgoing.withOperators([{ number }], address)).rejects.toMatchObject({ code: 'LIMITED' });
  });
});

describe('the same request again', () => {
  const keyed = { ...request, idempotencyKey: 'k1' };

  test('is answered as before and sends nothing, at the same time as well', async () => {
    const { outgoing, broker } = createWorld();
    const [first, second] = await Promise.all([outgoing.send(keyed, caller), outgoing.send(keyed, caller)]);
    expect(second).toEqual(first);
    expect(await outgoing.send(keyed, caller)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(1);
  });

  test('with other content is a CONFLICT', async () => {
    const { outgoing, broker } = createWorld();
    const running = outgoing.send(keyed, caller);
    const other = { ...keyed, data: [{ ...sms, text: 'other' }] };
    await expect(outgoing.send(other, caller)).rejects.toMatchObject({ code: 'CONFLICT' });
    await running;
    await expect(outgoing.send(other, caller)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(broker.send).toHaveBeenCalledTimes(1);
  });

  test('by its uuid is answered as before; the same uuid with other content is another request', async () => {
    const { outgoing, broker } = createWorld();
    const first = await outgoing.send({ ...request, uuid: 'u' }, caller);
    expect(await outgoing.send({ ...request, uuid: 'u' }, caller)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(1);
    await outgoing.send({ ...request, uuid: 'u', data: [{ ...sms, text: 'other' }] }, caller);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('of another developer is his own', async () => {
    const { outgoing, api, broker } = createWorld();
    api.authenticate.mockResolvedValue(true);
    await outgoing.send(keyed, caller);
    await outgoing.send({ ...keyed, authId: 'dev2' }, caller);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('acts when the first found the broker down', async () => {
    const { outgoing, broker } = createWorld();
    broker.send.mockRejectedValueOnce(unavailable);
    expect((await outgoing.send(keyed, caller)).complete).toBe(false);
    expect((await outgoing.send(keyed, caller)).complete).toBe(true);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('without a key or a uuid is a new one', async () => {
    const { outgoing, broker } = createWorld();
    await outgoing.send(request, caller);
    await outgoing.send(request, caller);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });
});

describe('callbacks', () => {
  test('each URL gets what was answered', async () => {
    const { outgoing, called } = createWorld();
    const callbackUrl = 'https://a.example/x, https://b.example/y';
    const { body } = await outgoing.send({ ...request, callbackUrl }, caller);
    await vi.waitFor(() => expect(called).toHaveLength(2));
    expect(called).toEqual([
      { url: 'https://a.example/x', body },
      { url: 'https://b.example/y', body },
    ]);
  });

  test.each(['ftp://a.example', 'not a url', 'https://user:pw@a.example', 'https://a,'.repeat(6)])(
    'Q9: %j is refused before anything is sent',
    async (callbackUrl) => {
      const { outgoing, broker } = createWorld();
      await expect(outgoing.send({ ...request, callbackUrl }, caller)).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
      expect(broker.send).not.toHaveBeenCalled();
    },
  );

  test('are not repeated with a repeated request', async () => {
    const { outgoing, called } = createWorld();
    const keyed = { ...request, idempotencyKey: 'k', callbackUrl: 'https://a.example' };
    await outgoing.send(keyed, caller);
    await outgoing.send(keyed, caller);
    await vi.waitFor(() => expect(called).toHaveLength(1));
  });
});

describe('subscribing', () => {
  test('takes both pairs of credentials', async () => {
    const { outgoing, tenants } = createWorld();
    await outgoing.subscribe(subscription, caller);
    await outgoing.unsubscribe(subscription, caller);
    expect(tenants.subscribe.mock.calls).toEqual([['dev1', 'key']]);
    expect(tenants.unsubscribe.mock.calls).toEqual([['dev1']]);
  });

  test.each([
    ['id', { ...subscription, setup: { ...setup, id: 'other' } }],
    ['key', { ...subscription, setup: { ...setup, key: 'other' } }],
    ['auth_id', { ...subscription, authId: 'dev2' }],
    ['auth_key', { ...subscription, authKey: 'other' }],
  ])('Q7: with a wrong %s is UNAUTHENTICATED', async (_what, wrong) => {
    const { outgoing, tenants } = createWorld();
    for (const call of [outgoing.subscribe, outgoing.unsubscribe]) {
      await expect(call(wrong, caller)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(tenants.subscribe).not.toHaveBeenCalled();
    expect(tenants.unsubscribe).not.toHaveBeenCalled();
  });

  test('is for nobody where no set-up credentials are configured, not even with empty ones', async () => {
    const empty = { id: '', key: '' };
    const { outgoing } = createWorld({ setup: empty });
    const promise = outgoing.subscribe({ ...subscription, setup: empty }, caller);
    await expect(promise).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('needs the management API', async () => {
    const { outgoing } = createWorld({ tenants: false });
    await expect(outgoing.subscribe(subscription, caller)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

test('operators are filled in where they are missing, and everything else stays', async () => {
  const { outgoing } = createWorld();
  const list = [
    { number, text: 'a', more: 1 },
    { number, operator_name: 'Mine' },
    { number: '+14155550123', operator_name: '' },
    { number: 'x' },
  ];
  expect(await outgoing.withOperators(list, address)).toEqual([
    { number, text: 'a', more: 1, operator_name: 'MTN Cameroon' },
    { number, operator_name: 'Mine' },
    { number: '+14155550123', operator_name: '' },
    { number: 'x', operator_name: '' },
  ]);
});

describe('names on the broker', () => {
  test('are those of the contract', () => {
    expect(routingKey('dev1', 'MTN Cameroon')).toBe('dev1_OUTGOING_SMS.MTN Cameroon');
    expect(queueName('dev1', 'MTN Cameroon')).toBe('dev1_OUTGOING_SMS_MTN Cameroon');
  });

  test('Q10: an operator with words or wildcards of its own, or too long, is none', () => {
    for (const name of ['', 'a.b', '#', 'a*', 'a\nb', '\u0000', '\u202e', 'é'.repeat(125)]) {
      expect(operatorFault('dev1', name), name).toBeDefined();
    }
    for (const name of ['MTN Cameroon', 'Orange', "Côte d'Ivoire-1", 'é'.repeat(115)]) {
      expect(operatorFault('dev1', name), name).toBeUndefined();
    }
  });

  test('Q8: the names of one developer never begin with those of another', () => {
    const wellFormed = new RegExp(authIdPattern, 'u');
    for (const bad of [
      '',
      'a b',
      'a-b',
      '.*',
      'a.b',
      'a#',
      'a/b',
      'a_OUTGOING_SMS',
      'x'.repeat(65),
      'é',
      'a\n',
    ])
      expect(wellFormed.test(bad), bad).toBe(false);
    const part = fc.constantFrom('a', 'b', '_', 'OUTGOING', 'SMS', '_OUTGOING_SMS');
    const authId = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(authId, authId, fc.constantFrom('x', '_x', ''), (one, other, operator) => {
        fc.pre(one !== other && wellFormed.test(one) && wellFormed.test(other));
        expect(queueName(one, operator).startsWith(tenantPrefix(other))).toBe(false);
      }),
    );
  });
});
