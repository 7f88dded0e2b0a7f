import { expect, test, vi } from 'vitest';
import { observePublishing } from '../../../src/domain/inbound/observed-publishing.ts';
import type { ClientObserver } from '../../../src/domain/inbound/ports.ts';
import { createRefusalRecorder } from '../../../src/domain/inbound/refusals.ts';
import { createFixture, msisdn, sms } from './publishing-fixture.ts';

const origin = { client: '+237650000001', sentAt: 1 };

async function observed(recognise: ClientObserver['recognise'] = () => undefined) {
  const fixture = await createFixture();
  const observer = { recognise: vi.fn(recognise), delivered: vi.fn<ClientObserver['delivered']>() };
  const { receive } = observePublishing(
    fixture.publishing,
    observer,
    createRefusalRecorder(fixture.refusedSms, fixture.clock),
  );
  const send = (text: string) =>
    receive({ platform: 'gateway-client', msisdn, text }, fixture.context, origin);
  return { ...fixture, observer, send };
}

test('reports the client of an SMS that is published, and not that of a refused one', async () => {
  const { observer, send, context } = await observed();
  expect(await send('hello')).toMatchObject({ reply: 'refused' });
  expect(observer.delivered).not.toHaveBeenCalled();
  expect(await send(sms())).toMatchObject({ reply: 'published' });
  expect(observer.delivered).toHaveBeenCalledExactlyOnceWith(origin, context);
});

test('records the SMS of a reliability test without publishing it', async () => {
  const { observer, send, publisher, context } = await observed(() => 'recorded');
  expect(await send('1234567890')).toMatchObject({ reply: 'recorded' });
  expect(observer.recognise).toHaveBeenCalledWith({ ...origin, msisdn, text: '1234567890' }, context);
  expect(publisher.publish).not.toHaveBeenCalled();
});

test('refuses an SMS that only looks like one, and says why', async () => {
  const { send, refusedSms } = await observed(() => 'refused');
  const { id, reply } = await send('1234567890');
  expect(reply).toBe('refused');
  expect(refusedSms.find(id)).toMatchObject({ reason: 'test' });
});
