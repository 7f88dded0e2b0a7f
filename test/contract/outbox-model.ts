// An outbox as simple as can be, and random commands that run against it and a real one.

import fc from 'fast-check';
import { expect } from 'vitest';
import type { InboundSms, Parcel } from '../../src/domain/model.ts';
import type { OutboxStore } from '../../src/domain/ports.ts';

export interface OutboxModel {
  readonly parcels: Map<string, Parcel<InboundSms>>;
  /** Those of the parcels that this process has claimed. */
  readonly claimed: Set<string>;
  readonly max: number;
}

export function createOutboxModel(max: number): OutboxModel {
  return { parcels: new Map(), claimed: new Set(), max };
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
  command(`put ${JSON.stringify(parcel)}`, async ({ parcels, claimed, max }, { outbox }) => {
    const putting = outbox.put(parcel);
    if (!parcels.has(parcel.id) && parcels.size >= max) {
      await expect(putting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      return;
    }
    await putting;
    parcels.set(parcel.id, parcel);
    claimed.delete(parcel.id);
  });

/** Settles the one that was claimed first, if there is one. */
const settle = (next: Parcel<InboundSms> | undefined) =>
  command(`settle as ${JSON.stringify(next)}`, async ({ parcels, claimed }, { outbox }) => {
    const [id] = claimed;
    if (id === undefined) return;
    expect(await outbox.settle(id, next && { ...next, id })).toBe(true);
    if (next) parcels.set(id, { ...next, id });
    else parcels.delete(id);
    claimed.delete(id);
  });

const putOff = (until: number) =>
  command(`put off until ${until}`, async ({ parcels, claimed }, { outbox }) => {
    const [id] = claimed;
    const parcel = parcels.get(id ?? '');
    if (id === undefined || !parcel) return;
    await outbox.putOff(id, until);
    // The parcel itself is as it was.
    expect(await outbox.get(id)).toEqual(parcel);
    await outbox.put({ ...parcel, dueAt: until });
    parcels.set(id, { ...parcel, dueAt: until });
    claimed.delete(id);
  });

const remove = (id: string) =>
  command(`remove ${id}`, async ({ parcels, claimed }, { outbox }) => {
    await outbox.remove(id);
    parcels.delete(id);
    claimed.delete(id);
  });

const discard = (id: string) =>
  command(`discard ${id}`, async ({ parcels }, { outbox }) => {
    const givenUp = parcels.get(id)?.dueAt === null;
    expect(await outbox.discard(id)).toBe(givenUp);
    if (givenUp) parcels.delete(id);
  });

const rising = (times: number[]) => times.sort((a, b) => a - b);

/** Which of several with the same time comes first is left open. */
const claim = (now: number, limit: number) =>
  command(`claim at ${now}, ${limit} at most`, async ({ parcels, claimed }, { outbox }) => {
    const free = () =>
      rising([...parcels.values()].flatMap(({ id, dueAt }) => (claimed.has(id) ? [] : (dueAt ?? []))));
    const expected = free()
      .filter((at) => at <= now)
      .slice(0, limit);
    const found = await outbox.claim(now, limit);
    expect(found.map((id) => parcels.get(id)?.dueAt)).toEqual(expected);
    expect(new Set([...claimed, ...found]).size).toBe(claimed.size + found.length);
    for (const id of found) claimed.add(id);
    expect(await outbox.nextDue()).toBe(free()[0]);
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
      fc.tuple(aTime, fc.integer({ min: 0, max: 4 })).map(([now, limit]) => claim(now, limit)),
      fc.option(aParcel, { nil: undefined }).map(settle),
      aTime.map(putOff),
      fc.integer({ min: 0, max: 4 }).map(failed),
      fc.constant(look()),
      ...more.map((each) => fc.constant(each)),
    ],
    { maxCommands: 40 },
  );
}
