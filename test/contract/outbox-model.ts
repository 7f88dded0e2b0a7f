// A minimal model of an outbox, and random commands that run against it and a real outbox.

import fc from 'fast-check';
import { expect } from 'vitest';
import type { InboundSms } from '../../src/domain/inbound/model.ts';
import type { OutboxEntry } from '../../src/domain/shared/model.ts';
import type { OutboxStore } from '../../src/domain/shared/ports.ts';

export interface OutboxModel {
  readonly entries: Map<string, OutboxEntry<InboundSms>>;
  /** The entries that this process has claimed. */
  readonly claimed: Set<string>;
  /** Waiting entries with an order key, in their order. */
  readonly order: Set<string>;
  /** When the waiting entries are due. */
  readonly due: Map<string, number>;
  readonly max: number;
}

export function createOutboxModel(max: number): OutboxModel {
  return { entries: new Map(), claimed: new Set(), order: new Set(), due: new Map(), max };
}

export interface RealOutbox {
  outbox: OutboxStore<InboundSms>;
}

type OutboxCommand<Real extends RealOutbox> = fc.AsyncCommand<OutboxModel, Real>;

const ids = ['a', 'b', 'B', 'c-1', 'd'];
const orderKeys = ['k', 'l'];

function command<Real extends RealOutbox>(
  text: string,
  run: (model: OutboxModel, real: Real) => Promise<void>,
): OutboxCommand<Real> {
  return { check: () => true, run, toString: () => text };
}

const plain = ({ sequence: _, ...entry }: OutboxEntry<InboundSms>) => entry;

const idsOf = ({ order, entries }: OutboxModel, orderKey: string | undefined) =>
  [...order].filter((id) => entries.get(id)?.orderKey === orderKey);

const isBehind = (model: OutboxModel, id: string) =>
  model.order.has(id) && idsOf(model, model.entries.get(id)?.orderKey)[0] !== id;

function setDue(model: OutboxModel, { id, since, dueAt }: OutboxEntry<InboundSms>): void {
  if (dueAt === null) model.due.delete(id);
  else model.due.set(id, isBehind(model, id) ? Math.min(since, dueAt) : dueAt);
}

function store(model: OutboxModel, entry: OutboxEntry<InboundSms>): void {
  const { id, dueAt, orderKey } = entry;
  const before = model.entries.get(id);
  if (dueAt === null || orderKey === undefined || before?.orderKey !== orderKey) model.order.delete(id);
  if (dueAt !== null && orderKey !== undefined) model.order.add(id);
  model.entries.set(id, entry);
  setDue(model, entry);
}

function forget({ entries, claimed, order, due }: OutboxModel, id: string): void {
  for (const each of [entries, claimed, order, due]) each.delete(id);
}

/** What another process finds that opens the store after this one was closed or killed. */
export function reopenModel(model: OutboxModel): void {
  model.claimed.clear();
  for (const entry of model.entries.values()) setDue(model, entry);
}

/** The entry with the order key that it has: a key follows from the content, as the id does, so that no entry gets another one. */
function inItsOrder({ entries }: OutboxModel, entry: OutboxEntry<InboundSms>): OutboxEntry<InboundSms> {
  const { orderKey, ...rest } = entry;
  return { ...rest, ...orderOf(entries.get(entry.id)?.orderKey ?? orderKey) };
}

const put = (drawn: OutboxEntry<InboundSms>) =>
  command(`put ${JSON.stringify(drawn)}`, async (model, { outbox }) => {
    const { entries, claimed, max } = model;
    const entry = inItsOrder(model, drawn);
    const putting = outbox.put(entry);
    if (!entries.has(entry.id) && entries.size >= max) {
      await expect(putting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      return;
    }
    await putting;
    store(model, entry);
    claimed.delete(entry.id);
  });

const hold = (entry: OutboxEntry<InboundSms>) =>
  command(`hold ${JSON.stringify(entry)}`, async (model, { outbox }) => {
    const { entries, claimed, max } = model;
    const before = entries.get(entry.id);
    // A dead letter is not attempted until it waits again, and an attempt changes no order key.
    const { orderKey, ...rest } = entry;
    const next = { ...rest, dueAt: entry.dueAt ?? 0, ...orderOf(before ? before.orderKey : orderKey) };
    const holding = outbox.putClaimed(next);
    if (!before && next.orderKey !== undefined && idsOf(model, next.orderKey).length > 0) {
      expect(await holding).toBe('behind');
      return;
    }
    if (!before && entries.size >= max) {
      await expect(holding).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      return;
    }
    const free = !before || claimed.has(entry.id);
    expect(await holding).toBe(free ? 'claimed' : 'taken');
    if (!free) return;
    store(model, next);
    claimed.add(entry.id);
  });

/** Settles the entry that was claimed first, if any. */
const settle = (drawn: OutboxEntry<InboundSms> | undefined) =>
  command(`settle as ${JSON.stringify(drawn)}`, async (model, { outbox }) => {
    const [id] = model.claimed;
    if (id === undefined) return;
    const next = drawn && inItsOrder(model, { ...drawn, id });
    expect(await outbox.settle(id, next)).toBe(true);
    model.claimed.delete(id);
    if (next) store(model, next);
    else forget(model, id);
  });

const putOff = (until: number) =>
  command(`put off until ${until}`, async (model, { outbox }) => {
    const { entries, claimed } = model;
    const [id] = claimed;
    const entry = entries.get(id ?? '');
    if (id === undefined || !entry) return;
    await outbox.postpone(id, until);
    // The entry itself is unchanged.
    expect(plain((await outbox.get(id)) ?? entry)).toEqual(entry);
    await outbox.put({ ...entry, dueAt: until });
    store(model, { ...entry, dueAt: until });
    claimed.delete(id);
  });

const remove = (id: string) =>
  command(`remove ${id}`, async (model, { outbox }) => {
    await outbox.remove(id);
    forget(model, id);
  });

const discard = (id: string) =>
  command(`discard ${id}`, async (model, { outbox }) => {
    const isDeadLetter = model.entries.get(id)?.dueAt === null;
    expect(await outbox.removeDeadLetter(id)).toBe(isDeadLetter);
    if (isDeadLetter) forget(model, id);
  });

const rising = (times: number[]) => times.sort((a, b) => a - b);

/** The order of entries with the same time is unspecified. */
const claim = (now: number, limit: number) =>
  command(`claim at ${now}, ${limit} at most`, async (model, { outbox }) => {
    const { claimed, due } = model;
    const free = () =>
      rising([...due].flatMap(([id, at]) => (claimed.has(id) || isBehind(model, id) ? [] : at)));
    const expected = free()
      .filter((at) => at <= now)
      .slice(0, limit);
    const found = await outbox.claim(now, limit);
    expect(found.map((id) => due.get(id))).toEqual(expected);
    expect(new Set([...claimed, ...found]).size).toBe(claimed.size + found.length);
    for (const id of found) claimed.add(id);
    for (const id of found) expect(isBehind(model, id)).toBe(false);
    expect(await outbox.nextDueAt()).toBe(free()[0]);
  });

const failed = (limit: number) =>
  command(`failed, ${limit} at most`, async ({ entries }, { outbox }) => {
    const all = [...entries.values()].filter(({ dueAt }) => dueAt === null);
    const found = await outbox.deadLetters(limit);
    for (const entry of found) expect(entry).toEqual(entries.get(entry.id));
    expect(found.map(({ since }) => since)).toEqual(rising(all.map(({ since }) => since)).slice(0, limit));
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(await outbox.count()).toEqual({ waiting: entries.size - all.length, deadLetters: all.length });
  });

const listed = (limit: number, offset: number) =>
  command(`waiting, ${limit} at most after ${offset}`, async (model, { outbox }) => {
    const { entries, claimed, due } = model;
    const found = await outbox.waiting(limit, offset);
    expect(found).toHaveLength(Math.min(limit, Math.max(0, due.size - offset)));
    for (const entry of found) expect(plain(entry)).toEqual(entries.get(entry.id));
    const placeOf = ({ id }: OutboxEntry<InboundSms>) =>
      claimed.has(id) ? -1 : (due.get(id) ?? 0) + (isBehind(model, id) ? 1_000 : 0);
    const places = found.map(placeOf);
    expect(places).toEqual(rising([...places]));
  });

const listedOf = (orderKey: string, limit: number) =>
  command(`waiting of ${orderKey}, ${limit} at most`, async (model, { outbox }) => {
    const found = await outbox.waitingOf(orderKey, limit);
    expect(found.map(({ id }) => id)).toEqual(idsOf(model, orderKey).slice(0, limit));
    for (const entry of found) expect(plain(entry)).toEqual(model.entries.get(entry.id));
  });

const compare = () =>
  command('compare', async ({ entries }, { outbox }) => {
    for (const id of ids) {
      const found = await outbox.get(id);
      expect(found && plain(found)).toEqual(entries.get(id));
    }
  });

const orderOf = (orderKey: string | undefined) => (orderKey === undefined ? {} : { orderKey });
const anId = fc.constantFrom(...ids);
const aTime = fc.integer({ min: 0, max: 5 });
const aBareEntry: fc.Arbitrary<OutboxEntry<InboundSms>> = fc.record({
  id: anId,
  content: fc.record({
    platform: fc.constant('twilio'),
    msisdn: fc.constant('+237650000001'),
    text: fc.string({ maxLength: 5 }),
  }),
  since: aTime,
  dueAt: fc.option(aTime),
  attempts: fc.nat(9),
  history: fc.array(fc.record({ at: aTime, event: fc.string({ maxLength: 5 }) }), { maxLength: 2 }),
});
const aEntry: fc.Arbitrary<OutboxEntry<InboundSms>> = fc
  .tuple(aBareEntry, fc.constantFrom(undefined, ...orderKeys))
  .map(([entry, orderKey]) => ({ ...entry, ...orderOf(orderKey) }));

/** `more` adds commands that only one adapter supports. */
export function outboxCommands<Real extends RealOutbox>(more: OutboxCommand<Real>[] = []) {
  return fc.commands<OutboxModel, Real, false>(
    [
      aEntry.map(put),
      aEntry.map(put),
      aEntry.map(hold),
      anId.map(remove),
      anId.map(discard),
      fc.tuple(aTime, fc.integer({ min: 0, max: 4 })).map(([now, limit]) => claim(now, limit)),
      fc.option(aEntry, { nil: undefined }).map(settle),
      aTime.map(putOff),
      fc.integer({ min: 0, max: 4 }).map(failed),
      fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(3)).map(([limit, offset]) => listed(limit, offset)),
      fc.tuple(fc.constantFrom(...orderKeys), fc.nat(3)).map(([key, limit]) => listedOf(key, limit)),
      fc.constant(compare()),
      ...more.map((each) => fc.constant(each)),
    ],
    { maxCommands: 40 },
  );
}
