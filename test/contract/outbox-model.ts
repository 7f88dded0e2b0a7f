// An outbox as simple as can be, and random commands that run against it and a real one.

import fc from 'fast-check';
import { expect } from 'vitest';
import type { InboundSms, Parcel } from '../../src/domain/model.ts';
import type { OutboxStore } from '../../src/domain/ports.ts';

export interface OutboxModel {
  readonly parcels: Map<string, Parcel<InboundSms>>;
  readonly max: number;
}

export interface RealOutbox {
  outbox: OutboxStore<InboundSms>;
}

type OutboxCommand<Real extends RealOutbox> = fc.AsyncCommand<OutboxModel, Real>;

const ids = ['a', 'b', 'B', 'c-1', 'd'];

function command<Real extends RealOutbox>(
  text: string,
  run: (model: OutboxModel, real: Real) => Promise<void>,
): OutboxCommand<Real> {
  return { check: () => true, run, toString: () => text };
}

const put = (parcel: Parcel<InboundSms>) =>
  command(`put ${JSON.stringify(parcel)}`, async ({ parcels, max }, { outbox }) => {
    const putting = outbox.put(parcel);
    if (!parcels.has(parcel.id) && parcels.size >= max) {
      await expect(putting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      return;
    }
    await putting;
    parcels.set(parcel.id, parcel);
  });

const remove = (id: string) =>
  command(`remove ${id}`, async ({ parcels }, { outbox }) => {
    await outbox.remove(id);
    parcels.delete(id);
  });

const discard = (id: string) =>
  command(`discard ${id}`, async ({ parcels }, { outbox }) => {
    const givenUp = parcels.get(id)?.dueAt === null;
    expect(await outbox.discard(id)).toBe(givenUp);
    if (givenUp) parcels.delete(id);
  });

const rising = (times: number[]) => times.sort((a, b) => a - b);

/** Which of several with the same time comes first is left open. */
const due = (now: number, limit: number) =>
  command(`due at ${now}, ${limit} at most`, async ({ parcels }, { outbox }) => {
    const all = rising([...parcels.values()].flatMap(({ dueAt }) => dueAt ?? []));
    const found = await outbox.due(now, limit);
    const expected = all.filter((at) => at <= now).slice(0, limit);
    expect(found.map((id) => parcels.get(id)?.dueAt)).toEqual(expected);
    expect(new Set(found).size).toBe(found.length);
    expect(await outbox.nextDue()).toBe(all[0]);
  });

const failed = (limit: number) =>
  command(`failed, ${limit} at most`, async ({ parcels }, { outbox }) => {
    const all = [...parcels.values()].filter(({ dueAt }) => dueAt === null);
    const found = await outbox.failed(limit);
    for (const parcel of found) expect(parcel).toEqual(parcels.get(parcel.id));
    expect(found.map(({ since }) => since)).toEqual(rising(all.map(({ since }) => since)).slice(0, limit));
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(await outbox.count()).toEqual({ waiting: parcels.size - all.length, failed: all.length });
  });

const look = () =>
  command('look', async ({ parcels }, { outbox }) => {
    for (const id of ids) expect(await outbox.get(id)).toEqual(parcels.get(id));
  });

const anId = fc.constantFrom(...ids);
const aTime = fc.integer({ min: 0, max: 5 });
const aParcel: fc.Arbitrary<Parcel<InboundSms>> = fc.record({
  id: anId,
  content: fc.record({
    platform: fc.constant('twilio'),
    msisdn: fc.constant('+237650000001'),
    text: fc.string({ maxLength: 5 }),
  }),
  since: aTime,
  dueAt: fc.option(aTime),
  attempts: fc.nat(9),
  life: fc.array(fc.record({ at: aTime, what: fc.string({ maxLength: 5 }) }), { maxLength: 2 }),
});

/** With `more` of what only one engine can do. */
export function outboxCommands<Real extends RealOutbox>(more: OutboxCommand<Real>[] = []) {
  return fc.commands<OutboxModel, Real, false>(
    [
      aParcel.map(put),
      aParcel.map(put),
      anId.map(remove),
      anId.map(discard),
      fc.tuple(aTime, fc.integer({ min: 0, max: 4 })).map(([now, limit]) => due(now, limit)),
      fc.integer({ min: 0, max: 4 }).map(failed),
      fc.constant(look()),
      ...more.map((each) => fc.constant(each)),
    ],
    { maxCommands: 40 },
  );
}
