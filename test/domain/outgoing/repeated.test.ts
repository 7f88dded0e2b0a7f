import { describe, expect, test } from 'vitest';
import { context, createFixture, request, sms, unavailable } from './outgoing-fixture.ts';

describe('the same request again', () => {
  const keyed = { ...request, idempotencyKey: 'k1' };

  test('gets the same response and sends nothing, also when concurrent', async () => {
    const { outgoing, broker } = createFixture();
    const [first, second] = await Promise.all([outgoing.send(keyed, context), outgoing.send(keyed, context)]);
    expect(second).toEqual(first);
    expect(await outgoing.send(keyed, context)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(1);
  });

  test('with other content is a CONFLICT', async () => {
    const { outgoing, broker } = createFixture();
    const running = outgoing.send(keyed, context);
    const other = { ...keyed, data: [{ ...sms, text: 'other' }] };
    await expect(outgoing.send(other, context)).rejects.toMatchObject({ code: 'CONFLICT' });
    await running;
    await expect(outgoing.send(other, context)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(broker.send).toHaveBeenCalledTimes(1);
  });

  test('by its uuid gets the same response; the same uuid with other content is another request', async () => {
    const { outgoing, broker } = createFixture();
    const first = await outgoing.send({ ...request, uuid: 'u' }, context);
    expect(await outgoing.send({ ...request, uuid: 'u' }, context)).toEqual(first);
    expect(broker.send).toHaveBeenCalledTimes(1);
    await outgoing.send({ ...request, uuid: 'u', data: [{ ...sms, text: 'other' }] }, context);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('of another developer is another request', async () => {
    const { outgoing, api, broker } = createFixture();
    api.authenticate.mockResolvedValue({ kind: 'accepted' });
    await outgoing.send(keyed, context);
    await outgoing.send({ ...keyed, authId: 'dev2' }, context);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('is attempted when the first one failed because the broker was down', async () => {
    const { outgoing, broker } = createFixture();
    broker.send.mockRejectedValueOnce(unavailable);
    expect((await outgoing.send(keyed, context)).complete).toBe(false);
    expect((await outgoing.send(keyed, context)).complete).toBe(true);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });

  test('without a key or a uuid is a new request', async () => {
    const { outgoing, broker } = createFixture();
    await outgoing.send(request, context);
    await outgoing.send(request, context);
    expect(broker.send).toHaveBeenCalledTimes(2);
  });
});
