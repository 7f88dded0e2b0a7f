// A minimal model of a session store, and random commands that run against it and a real store.

import fc from 'fast-check';
import { expect } from 'vitest';
import type { SessionState } from '../../src/domain/pairing/model.ts';
import type { SessionStore } from '../../src/domain/pairing/ports.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import type { FakeClock } from '../support/fake-clock.ts';

interface ModelSession {
  id: string;
  state: SessionState;
  key?: string;
  /** The id under which the session was opened. */
  firstId: string;
  socketId?: string | undefined;
  /** By a socket that has attached or rotated it last, or by a rotation without one. */
  shown: 'never' | 'by a socket' | 'elsewhere';
  expiresAt: number;
}

interface Model {
  now: number;
  /** In the order in which the sessions entered their state. */
  list: ModelSession[];
  /** Maps a first id to the id that replaced it. */
  readonly successors: Map<string, { readonly id: string; readonly expiresAt: number }>;
  readonly ttl: Record<SessionState, number>;
  readonly maxOpen: number;
}

interface Real {
  readonly clock: FakeClock;
  readonly sessions: SessionStore;
}

export function createSessionModel(options: StoreOptions['sessions']): Model {
  const ttl = { open: options.openTtlMs, paused: options.pausedTtlMs, paired: options.pairedTtlMs };
  return { now: 0, list: [], successors: new Map(), ttl, maxOpen: options.maxOpen };
}

function find(model: Model, id: string): ModelSession | undefined {
  return model.list.find((session) => session.id === id && session.expiresAt > model.now);
}

/** Finds a session as a socket does: also by the id under which it was opened. */
function findShown(model: Model, id: string): ModelSession | undefined {
  const successor = model.successors.get(id);
  const known = find(model, id);
  return known ?? (successor && successor.expiresAt > model.now ? find(model, successor.id) : undefined);
}

function enter(model: Model, id: string, state: SessionState, rest: Partial<ModelSession> = {}): void {
  model.list = model.list.filter((session) => session.id !== id && session.expiresAt > model.now);
  const expiresAt = model.now + model.ttl[state];
  model.list.push({ firstId: id, shown: 'never', ...rest, id, state, expiresAt });
  for (const shown of ['never', 'elsewhere']) {
    const bounded = model.list.filter((session) => session.state === 'open' && session.shown === shown);
    const [oldest] = bounded;
    if (!oldest || bounded.length <= model.maxOpen) continue;
    model.list = model.list.filter((session) => session !== oldest);
    model.successors.delete(oldest.firstId);
  }
}

function command(
  text: string,
  run: (model: Model, real: Real) => Promise<void>,
): fc.AsyncCommand<Model, Real> {
  return { check: () => true, run, toString: () => text };
}

const user = 'u';

const open = (id: string) =>
  command(`open ${id}`, async (model, { sessions }) => {
    await sessions.open(user, id);
    const known = find(model, id);
    if (!known || known.state === 'open') enter(model, id, 'open', known);
  });

const show = (id: string, socketId: string) =>
  command(`show ${id} on ${socketId}`, async (model, { sessions }) => {
    const session = await sessions.attach(user, id, socketId);
    const known = findShown(model, id);
    expect([session?.sessionId, session?.state]).toEqual([known?.id, known?.state]);
    if (known?.state === 'open') enter(model, known.id, 'open', { ...known, shown: 'by a socket', socketId });
  });

const isAnothers = (known: ModelSession, socketId: string | undefined) =>
  known.socketId !== undefined && socketId !== undefined && known.socketId !== socketId;

const rotate = (id: string, newId: string, socketId: string | undefined) =>
  command(`rotate ${id} ${newId} by ${socketId}`, async (model, { sessions }) => {
    const known = find(model, id);
    const rotation = sessions.rotate(user, id, newId, socketId);
    if (known?.state !== 'open') expect(await rotation).toBe(known?.state ?? 'unknown');
    else if (isAnothers(known, socketId)) expect(await rotation).toBe('kept');
    else if (find(model, newId)) await expect(rotation).rejects.toMatchObject({ code: 'CONFLICT' });
    else {
      expect(await rotation).toBe('rotated');
      model.list = model.list.filter((session) => session !== known);
      enter(model, newId, 'open', { ...known, shown: socketId === undefined ? 'elsewhere' : 'by a socket' });
      const { open, paused, paired } = model.ttl;
      model.successors.set(known.firstId, { id: newId, expiresAt: model.now + open + paused + paired });
    }
  });

const end = (id: string, socketId: string) =>
  command(`end ${id} by ${socketId}`, async (model, { sessions }) => {
    const known = find(model, id);
    const outcome = await sessions.close(user, id, socketId);
    if (known?.state !== 'open') expect(outcome).toBe(known?.state ?? 'unknown');
    else if (isAnothers(known, socketId)) expect(outcome).toBe('kept');
    else {
      expect(outcome).toBe('ended');
      model.list = model.list.filter((session) => session !== known);
    }
  });

const pause = (id: string, key: string) =>
  command(`pause ${id} ${key}`, async (model, { sessions }) => {
    const outcome = await sessions.pause(user, id, { publicKey: key, sharedKey: `shared ${key}` });
    const known = find(model, id);
    if (!known) expect(outcome).toBe('unknown');
    else if (known.key !== undefined) expect(outcome).toBe(known.key === key ? 'paused' : 'taken');
    else {
      expect(outcome).toBe('paused');
      enter(model, id, 'paused', { firstId: known.firstId, key });
    }
  });

const complete = (id: string) =>
  command(`complete ${id}`, async (model, { sessions }) => {
    await sessions.complete(user, id);
    const known = find(model, id);
    if (known?.state === 'paused') enter(model, id, 'paired', known);
  });

const remove = (id: string) =>
  command(`remove ${id}`, async (model, { sessions }) => {
    await sessions.remove(user, id);
    model.list = model.list.filter((session) => session.id !== id);
  });

const wait = (ms: number) =>
  command(`wait ${ms}`, async (model, { clock }) => {
    clock.advance(ms);
    model.now += ms;
  });

const ids = ['a', 'b', 'c', 'd', 'e'];

/** Checks each id after every step. */
const compare = () =>
  command('compare', async (model, { sessions }) => {
    for (const id of ids) {
      const found = await sessions.get(user, id);
      const known = find(model, id);
      expect([id, found?.state, found?.phone?.publicKey]).toEqual([id, known?.state, known?.key]);
      expect((await sessions.find(user, id))?.sessionId).toBe(findShown(model, id)?.id);
    }
  });

const anId = fc.constantFrom(...ids);
const aSocket = fc.constantFrom('one', 'two');

export const sessionCommands = fc.commands(
  [
    anId.map(open),
    fc.tuple(anId, aSocket).map(([id, socketId]) => show(id, socketId)),
    fc.tuple(anId, aSocket).map(([id, socketId]) => end(id, socketId)),
    fc
      .tuple(anId, anId, fc.option(aSocket, { nil: undefined }))
      .map(([id, newId, socketId]) => rotate(id, newId, socketId)),
    fc.tuple(anId, fc.constantFrom('x', 'y')).map(([id, key]) => pause(id, key)),
    anId.map(complete),
    anId.map(remove),
    fc.constantFrom(1, 7_000, 14_999, 15_000, 60_000).map(wait),
    fc.constant(compare()),
  ],
  { maxCommands: 60 },
);
