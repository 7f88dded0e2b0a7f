// SMS that have to wait while the store takes nothing, such as a Redis that is full.

import { expect, test, vi } from 'vitest';
import { SwobError } from '../../../src/errors.ts';
import { context, createFixture, errorsIn, request, sms } from './outgoing-fixture.ts';

const outage = new SwobError('UNAVAILABLE', 'Redis at 10.0.0.21:6379 is out of memory', {
  publicMessage: 'the store cannot be reached now',
});
const error_message = 'swob cannot keep it until it may be sent: the store cannot be reached now';

function createScheduled() {
  const fixture = createFixture();
  const scheduledAt = fixture.clock.now() + 60_000;
  const send = () => {
    const data = [sms, { ...sms, text: 'second' }];
    return fixture.outgoing.send({ ...request, data, scheduledAt, idempotencyKey: 'key' }, context);
  };
  return { ...fixture, send, put: vi.spyOn(fixture.store.waitingSms, 'put') };
}

test('a request of which no SMS can be kept may be repeated, and leaves no message behind', async () => {
  const { store, send, put } = createScheduled();
  put.mockRejectedValue(outage);
  const { body, complete } = await send();
  expect(complete).toBe(false);
  expect(errorsIn({ body })).toMatchObject([{ error_message }, { error_message }]);
  const { uuid } = JSON.parse(body);
  expect(await store.messages.ofRequest('dev1', uuid, 10)).toEqual([]);
  put.mockRestore();
  const repeated = await send();
  expect(repeated.complete).toBe(true);
  expect(errorsIn(repeated)).toEqual([]);
  expect(await store.waitingSms.count()).toMatchObject({ waiting: 2 });
});

test('one that cannot be kept beside others has failed, and its developer learns nothing of the store', async () => {
  const { log, queueLog, send, put } = createScheduled();
  put.mockRejectedValueOnce(outage);
  const result = await send();
  expect(result.complete).toBe(true);
  expect(errorsIn(result)).toMatchObject([{ error_message }]);
  const { messages } = JSON.parse(result.body);
  expect(messages).toMatchObject([{ state: 'failed', reason: error_message }, { state: 'queued' }]);
  expect(JSON.stringify([...log.lines, ...queueLog.lines])).not.toContain('second');
});
