// Outgoing SMS on the memory store, with a broker and a developer API that fail as a test says.

import { describe, expect, test, vi } from 'vitest';
import { SwobError } from '../../../src/errors.ts';
import { createRequestContext } from '../../support/request-context.ts';
import {
  context,
  createFixture,
  errorsIn,
  number,
  request,
  sentResult,
  sms,
  unavailable,
} from './outgoing-fixture.ts';

describe('a request to send', () => {
  test('sends each SMS to the broker, and returns a uuid and no errors', async () => {
    const { outgoing, broker } = createFixture();
    const context = createRequestContext();
    const { body, complete } = await outgoing.send(request, context);
    expect(context.log.lines).toMatchObject([{ message: 'outgoing SMS', fields: { sms: 1, failed: 0 } }]);
    expect(JSON.parse(body)).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      errors: [],
      messages: [
        {
          id: expect.stringMatching(/^\d+$/),
          number,
          operator_name: 'MTN Cameroon',
          state: 'queued',
          encoding: 'GSM-7',
          parts: 1,
        },
      ],
    });
    expect(complete).toBe(true);
    expect(broker.send.mock.calls).toEqual([
      [
        {
          authId: 'dev1',
          operatorName: 'MTN Cameroon',
          number,
          text: 'hello',
          callingCode: '237',
          networkCodes: ['62401'],
          sid: '1',
          messageId: JSON.parse(body).messages[0].id,
        },
      ],
    ]);
  });

  test('normalises the numbers, and reports errors with the number as it was given', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockResolvedValueOnce(sentResult).mockResolvedValueOnce({ kind: 'unroutable' });
    const data = [
      { number: '\u202a00237 650 39 33 69\u202c', text: 'a' },
      { number: '237650393369', text: 'b' },
    ];
    const response = await outgoing.send({ ...request, data }, context);
    expect(broker.send.mock.calls).toMatchObject([
      [{ number, operatorName: 'MTN Cameroon', text: 'a' }],
      [{ number, operatorName: 'MTN Cameroon', text: 'b' }],
    ]);
    expect(errorsIn(response)).toMatchObject([{ number: '237650393369' }]);
  });

  test('passes on the SIM of a recipient, and a network that is named in place of the operator', async () => {
    const { outgoing, broker } = createFixture();
    const data = [
      { ...sms, sid: '7' },
      { ...sms, operator_name: '310004' },
    ];
    await outgoing.send({ ...request, data }, context);
    expect(broker.send.mock.calls).toMatchObject([
      [{ sid: '7', networkCodes: ['62401'] }],
      [{ sid: '1', callingCode: '237', networkCodes: ['310004'], operatorName: '310004' }],
    ]);
  });

  test('sends the others when one has a bad number, an unknown operator or no gateway phone', async () => {
    const { outgoing, broker, clock } = createFixture();
    broker.send.mockImplementation(async ({ operatorName }) =>
      operatorName === 'Nobody' || operatorName === '' ? { kind: 'unroutable' } : sentResult,
    );
    const response = await outgoing.send(
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
      context,
    );
    const timestamp = new Date(clock.now()).toISOString();
    expect(JSON.parse(response.body)).toMatchObject({
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
          error_message: 'the operator of this number is unknown',
          timestamp,
        },
        {
          number,
          operator_name: 'Nobody',
          error_message: 'no gateway client for operator Nobody',
          timestamp,
        },
      ],
      messages: [
        { state: 'failed', reason: 'not a phone number in E.164 format' },
        { state: 'failed', reason: 'the operator of this number is unknown' },
        { state: 'failed', reason: 'no gateway client for operator Nobody' },
        { state: 'queued' },
        { state: 'queued' },
      ],
    });
    // A missing operator is looked up by the number; a phone may be bound to every network.
    expect(broker.send.mock.calls.map(([{ text, operatorName }]) => [text, operatorName])).toEqual([
      ['b', ''],
      ['hello', 'Nobody'],
      ['c', 'MTN Cameroon'],
      ['hello', 'MTN Cameroon'],
    ]);
  });

  test('Q11: reports what the broker does not confirm for that recipient', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockResolvedValueOnce(sentResult).mockResolvedValueOnce({ kind: 'unconfirmed' });
    const response = await outgoing.send({ ...request, data: [sms, sms] }, context);
    expect(response.complete).toBe(true);
    expect(errorsIn(response)).toEqual([
      expect.objectContaining({ error_message: 'the broker did not confirm it; it may have been sent' }),
    ]);
  });

  test('Q11: is final although nothing was confirmed, because a repetition would send it twice', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockResolvedValue({ kind: 'unconfirmed' });
    const keyed = { ...request, idempotencyKey: 'k', data: [sms, sms] };
    const first = await outgoing.send(keyed, context);
    expect(first.complete).toBe(true);
    expect(errorsIn(first)).toHaveLength(2);
    const tried = broker.send.mock.calls.length;
    expect(await outgoing.send(keyed, context)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(tried);
  });

  test('sends the others when a queue is full', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockImplementation(async ({ operatorName }) =>
      operatorName === 'Full' ? { kind: 'refused' } : sentResult,
    );
    const data = [...Array.from({ length: 60 }, () => ({ ...sms, operator_name: 'Full' })), sms];
    const response = await outgoing.send({ ...request, data }, context);
    expect(response.complete).toBe(true);
    expect(errorsIn(response)).toHaveLength(60);
    expect(errorsIn(response)[0]?.error_message).toContain('the queue of its gateway clients is full');
    expect(broker.send).toHaveBeenCalledTimes(61);
  });

  test('is incomplete when the broker accepts nothing, and does not wait for each SMS', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockRejectedValue(unavailable);
    const data = Array.from({ length: 500 }, () => sms);
    const response = await outgoing.send({ ...request, data }, context);
    expect(response.complete).toBe(false);
    expect(errorsIn(response)).toHaveLength(500);
    expect(errorsIn(response)[0]?.error_message).toBe('not sent: no connection to the broker');
    expect(broker.send.mock.calls.length).toBeLessThanOrEqual(50);
  });

  test.each([
    ['wrong key', { ...request, authKey: 'other' }],
    ['unknown developer', { ...request, authId: 'dev2' }],
  ])('%s is UNAUTHENTICATED, and guessing is limited', async (_what, wrong) => {
    const { outgoing, broker, api } = createFixture();
    for (let n = 0; n < 3; n++) {
      await expect(outgoing.send(wrong, context)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await expect(outgoing.send(wrong, context)).rejects.toMatchObject({ code: 'LIMITED' });
    expect(api.authenticate).toHaveBeenCalledTimes(3);
    expect(broker.send).not.toHaveBeenCalled();
  });

  test('of a developer who has not subscribed is UNAUTHENTICATED', async () => {
    const { outgoing, tenants, broker } = createFixture();
    tenants.isSubscribed.mockResolvedValue(false);
    await expect(outgoing.send(request, context)).rejects.toThrow('not subscribed');
    expect(broker.send).not.toHaveBeenCalled();
  });

  test('is attempted when the subscription cannot be checked', async () => {
    const { outgoing, tenants } = createFixture();
    tenants.isSubscribed.mockRejectedValue(new SwobError('UPSTREAM', 'the management API failed'));
    expect((await outgoing.send(request, context)).complete).toBe(true);
  });

  test('is UNAVAILABLE without a broker', async () => {
    const { outgoing } = createFixture({ broker: false });
    await expect(outgoing.send(request, context)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      publicMessage: 'no broker configured',
    });
  });

  test('is limited for an address and for a developer', async () => {
    const { outgoing } = createFixture();
    for (let n = 0; n < 50; n++) await outgoing.send(request, createRequestContext(`192.0.2.${n}`));
    await expect(outgoing.send(request, context)).rejects.toMatchObject({ code: 'LIMITED' });
    const other = createFixture();
    other.api.authenticate.mockResolvedValue({ kind: 'accepted' });
    for (let n = 0; n < 50; n++) await other.outgoing.send({ ...request, authId: `dev${n}` }, context);
    const more = other.outgoing.send({ ...request, authId: 'more' }, context);
    await expect(more).rejects.toMatchObject({ code: 'LIMITED' });
  });

  test('number lookups are counted one by one', async () => {
    const { outgoing } = createFixture();
    await outgoing.withOperators(
      Array.from({ length: 50 }, () => ({ number })),
      context,
    );
    await expect(outgoing.withOperators([{ number }], context)).rejects.toMatchObject({ code: 'LIMITED' });
  });
});

describe('callbacks', () => {
  test('send the response to each URL', async () => {
    const { outgoing, called } = createFixture();
    const callbackUrl = 'https://a.example/x, https://b.example/y';
    const { body } = await outgoing.send({ ...request, callbackUrl }, context);
    await vi.waitFor(() => expect(called).toHaveLength(2));
    expect(called).toMatchObject([
      { url: 'https://a.example/x', body },
      { url: 'https://b.example/y', body },
    ]);
  });

  test.each(['ftp://a.example', 'not a url', 'https://user:pw@a.example', 'https://a,'.repeat(6)])(
    'Q9: %j is refused before anything is sent',
    async (callbackUrl) => {
      const { outgoing, broker } = createFixture();
      await expect(outgoing.send({ ...request, callbackUrl }, context)).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
      expect(broker.send).not.toHaveBeenCalled();
    },
  );

  test('are not sent again for a repeated request', async () => {
    const { outgoing, called } = createFixture();
    const keyed = { ...request, idempotencyKey: 'k', callbackUrl: 'https://a.example' };
    await outgoing.send(keyed, context);
    await outgoing.send(keyed, context);
    await vi.waitFor(() => expect(called).toHaveLength(1));
  });
});

test('missing operators are filled in, and everything else is unchanged', async () => {
  const { outgoing } = createFixture();
  const list = [
    { number, text: 'a', more: 1 },
    { number, operator_name: 'Mine' },
    { number: '+14155550123', operator_name: '' },
    { number: 'x' },
  ];
  expect(await outgoing.withOperators(list, context)).toEqual([
    { number, text: 'a', more: 1, operator_name: 'MTN Cameroon' },
    { number, operator_name: 'Mine' },
    { number: '+14155550123', operator_name: '' },
    { number: 'x', operator_name: '' },
  ]);
});
