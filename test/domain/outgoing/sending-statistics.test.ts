import { expect, test } from 'vitest';
import type { OutgoingSms } from '../../../src/domain/outgoing/model.ts';
import type { Broker } from '../../../src/domain/outgoing/ports.ts';
import { createSendingStatistics } from '../../../src/domain/outgoing/sending-statistics.ts';
import { SwobError } from '../../../src/errors.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const sms: OutgoingSms = {
  ...{ authId: 'dev', operatorName: 'MTN Cameroon', number: '+237650000001', text: 'secret text' },
  ...{ callingCode: '237', networkCodes: ['62401'], sid: '0' },
};

function createFixture() {
  const clock = createFakeClock(Date.parse('2026-03-01T12:00:00Z'));
  const statistics = createSendingStatistics(clock);
  let send: Broker['send'] = async () => ({ kind: 'sent', route: 'r' });
  const broker = statistics.broker({ send: (each) => send(each), close: async () => 0 });
  const respond = (next: Broker['send']): void => {
    send = next;
  };
  return { clock, statistics, broker, respond };
}

test('counts by outcome and operator, and measures the time to the confirm', async () => {
  const { clock, statistics, broker, respond } = createFixture();
  for (const ms of [10, 20, 400]) {
    respond(async () => {
      clock.advance(ms);
      return { kind: 'sent', route: 'r' };
    });
    await broker.send(sms);
  }
  respond(async () => ({ kind: 'unroutable' }));
  await broker.send({ ...sms, operatorName: 'Orange Cameroon' });
  expect(statistics.report()).toMatchObject({
    since: Date.parse('2026-03-01T12:00:00Z'),
    outcomes: { sent: 3, unroutable: 1, refused: 0, unconfirmed: 0, failed: 0 },
    operators: [
      { operator: 'MTN Cameroon', counts: { sent: 3, unroutable: 0 } },
      { operator: 'Orange Cameroon', counts: { sent: 0, unroutable: 1 } },
    ],
    latency: { p50: 20, p95: 400, max: 400, count: 3 },
    errors: [{ outcome: 'unroutable', operator: 'Orange Cameroon', authId: 'dev' }],
  });
});

test('counts and reports failures, which it rethrows, without number or text of the SMS', async () => {
  const { statistics, broker, respond } = createFixture();
  const failure = new SwobError('UNAVAILABLE', 'no connection to the broker');
  respond(async () => Promise.reject(failure));
  await expect(broker.send(sms)).rejects.toBe(failure);
  const report = statistics.report();
  expect(report.outcomes.failed).toBe(1);
  expect(report.errors).toMatchObject([{ outcome: 'failed', reason: 'no connection to the broker' }]);
  expect(JSON.stringify(report)).not.toMatch(/secret text|650000001/);
});

test('counts callbacks, and starts again at midnight UTC but for the errors', async () => {
  const { clock, statistics, broker } = createFixture();
  const results = [
    { kind: 'delivered' },
    { kind: 'failed', reason: 'https://dev.example responded 500' },
    { kind: 'refused', reason: 'a private address' },
  ] as const;
  for (const result of results) {
    const sender = statistics.callbacks({ send: async () => result, close: () => {} });
    await sender.send('1', { url: '', body: '' });
  }
  statistics.callbackDeadLettered();
  await broker.send(sms);
  expect(statistics.report().callbacks).toEqual({ delivered: 1, failed: 1, refused: 1, deadLettered: 1 });
  clock.advance(86_400_000);
  const report = statistics.report();
  expect(report).toMatchObject({
    since: Date.parse('2026-03-02T00:00:00Z'),
    ...{ outcomes: { sent: 0 }, operators: [], callbacks: { delivered: 0, deadLettered: 0 } },
  });
  expect(report.errors.map(({ reason }) => reason)).toEqual([results[2].reason, results[1].reason]);
});

test('bounds operators, errors, texts and latencies', async () => {
  const { statistics, broker, respond } = createFixture();
  for (let n = 0; n < 1_100; n++) await broker.send({ ...sms, operatorName: `operator ${n}` });
  respond(async () => Promise.reject(new Error('x'.repeat(10_000))));
  for (let n = 0; n < 100; n++) {
    await broker.send({ ...sms, operatorName: 'y'.repeat(5_000) }).catch(() => undefined);
  }
  const { operators, errors, latency } = statistics.report();
  expect(operators).toHaveLength(201);
  expect(operators[0]).toMatchObject({ operator: 'others', counts: { sent: 900, failed: 100 } });
  expect(errors).toHaveLength(50);
  expect(errors[0]?.reason).toHaveLength(300);
  expect(errors[0]?.operator).toHaveLength(100);
  expect(latency?.count).toBe(1_000);
});
