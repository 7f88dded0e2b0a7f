// The outbox with entries that are delivered in order: one at a time for each order key.

import { expect, test } from 'vitest';
import { again, createFixture, sms } from './outbox-fixture.ts';

const from = (msisdn: string) => ({ ...sms, msisdn });

test('entries of one key are delivered in the order of their arrival, those of other keys meanwhile', async () => {
  const fixture = createFixture({ concurrency: 9 });
  fixture.outbox.start();
  fixture.outcomes(again, { kind: 'delivered' });
  await fixture.outbox.add('a', from('+2'));
  await fixture.settle();
  for (const id of ['b', 'c']) await fixture.outbox.add(id, from('+2'));
  await fixture.outbox.add('x', from('+3'));
  await fixture.settle();
  expect(fixture.attempts.map(({ id }) => id)).toEqual(['a', 'x']);
  fixture.clock.advance(1_000);
  await fixture.settle();
  expect(fixture.attempts.map(({ id }) => id)).toEqual(['a', 'x', 'a', 'b', 'c']);
});

test('a dead letter lets the others pass, and follows them when it is retried', async () => {
  const fixture = createFixture();
  fixture.outbox.start();
  fixture.outcomes({ kind: 'dead-letter', reason: 'answered 400' }, again);
  for (const id of ['a', 'b']) await fixture.outbox.add(id, from('+2'));
  await fixture.settle();
  expect(fixture.attempts.map(({ id }) => id)).toEqual(['a', 'b']);
  expect((await fixture.store.get('a'))?.sequence).toBeUndefined();
  fixture.outcomes({ kind: 'delivered' });
  expect(await fixture.outbox.retry('a', 'operator')).toBe('retried');
  await fixture.settle();
  expect(fixture.attempts).toHaveLength(2);
  fixture.clock.advance(1_000);
  await fixture.settle();
  expect(fixture.attempts.map(({ id }) => id)).toEqual(['a', 'b', 'b', 'a']);
});

test('an immediate delivery waits for earlier entries, and lets later ones follow', async () => {
  const fixture = createFixture();
  fixture.outbox.start();
  let respond = (): void => {};
  const sent: string[] = [];
  fixture.deliver.mockImplementation(async ({ id }, beforeSend) => {
    await beforeSend();
    sent.push(id);
    if (id === 'a') await new Promise<void>((resolve) => (respond = resolve));
    return { kind: 'delivered' };
  });
  const first = fixture.outbox.deliverNow('a', from('+2'), []);
  await first.persisted;
  const second = fixture.outbox.deliverNow('b', from('+2'), []);
  expect(await second.delivered).toBe(false);
  expect(sent).toEqual(['a']);
  expect(await fixture.store.count()).toEqual({ waiting: 2, deadLetters: 0 });
  respond();
  expect(await first.delivered).toBe(true);
  await fixture.settle();
  expect(sent).toEqual(['a', 'b']);
  expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
});
