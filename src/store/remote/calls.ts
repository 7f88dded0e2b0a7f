// Every method of the store that a client calls at the owner: a method of a port that is missing here does not compile. Used by
// owner.ts and client.ts.

import type { PairingSteps } from '../../domain/pairing/steps.ts';
import type { LeaseStore, LimitStore, SharedStore } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { Channels } from '../adapter.ts';
import type { ActiveSeeds } from './active-seeds.ts';

/** What clients call, by the first word of the names of calls. */
export interface RemoteParts extends Omit<Store, 'shared' | 'probe' | 'close'> {
  readonly limits: Required<LimitStore>;
  readonly pairingSteps: PairingSteps;
  /** `active` of the seeds. */
  readonly activeSeeds: ActiveSeeds;
  readonly leases: Required<LeaseStore>;
  readonly shared: Pick<SharedStore, 'agreeOn'>;
  readonly store: Pick<Store, 'probe'>;
  readonly channels: OwnerChannels;
}

/** The channels of the owner, for one client. */
export interface OwnerChannels extends Pick<Channels, 'publish'> {
  subscribe(channel: string): void;
  unsubscribe(channel: string): void;
}

/**
 * - `call`: the owner runs it
 * - `report`: the same, but nobody waits for its answer
 * - `notice`: the same without an answer; it resolves to nothing when it waits to be sent, a few milliseconds at most
 * - `sparse`: as `call`, and its result is a list with undefined members
 * - `local`: the client answers it itself
 */
export type CallKind = 'call' | 'report' | 'notice' | 'sparse' | 'local';

const outbox = {
  get: 'call',
  getDurable: 'call',
  put: 'call',
  remove: 'call',
  removeDeadLetter: 'call',
  replaceDeadLetter: 'call',
  claim: 'call',
  putClaimed: 'call',
  settle: 'call',
  postpone: 'call',
  nextDueAt: 'call',
  deadLetters: 'call',
  waiting: 'call',
  countBehind: 'call',
  waitingOf: 'call',
  countOf: 'call',
  countOfGroup: 'call',
  count: 'call',
} as const;

const ttlStore = { get: 'call', put: 'call', replace: 'call' } as const;

export const remoteCalls = {
  seeds: { ping: 'call', active: 'local', getActive: 'call', get: 'call', usage: 'call' },
  activeSeeds: { since: 'call' },
  clients: { record: 'call', list: 'call' },
  tests: { add: 'call', get: 'call', replace: 'call', list: 'call', count: 'call' },
  sessions: {
    open: 'call',
    attach: 'call',
    find: 'call',
    get: 'call',
    rotate: 'call',
    pause: 'call',
    complete: 'call',
    remove: 'call',
    close: 'call',
  },
  passwordClaims: { claim: 'call' },
  users: { get: 'call', getDurable: 'call', put: 'call', replace: 'call', list: 'call' },
  limits: {
    consume: 'call',
    consumeAll: 'call',
    peek: 'call',
    peekLocal: 'local',
    refund: 'call',
    refundAll: 'call',
    persist: 'call',
  },
  inbound: outbox,
  receipts: ttlStore,
  callbacks: outbox,
  responses: ttlStore,
  signOuts: ttlStore,
  messages: {
    add: 'call',
    get: 'call',
    getDurable: 'call',
    getAll: 'sparse',
    replaceAll: 'call',
    remove: 'call',
    ofRequest: 'call',
    list: 'call',
    due: 'call',
    nextReviewAt: 'call',
    count: 'call',
  },
  waitingSms: outbox,
  monitoring: { publish: 'call', nodes: 'call', saveHistory: 'call', history: 'call', historyNodes: 'call' },
  disconnects: { add: 'call', get: 'call', list: 'call' },
  pairingSteps: { open: 'call', beginPassword: 'call', pair: 'call' },
  leases: { acquire: 'call', acquireCounted: 'call', renew: 'call', complete: 'report', poll: 'call' },
  shared: { agreeOn: 'call' },
  store: { probe: 'call' },
  channels: { publish: 'notice', subscribe: 'call', unsubscribe: 'call' },
} as const satisfies {
  readonly [P in keyof RemoteParts]-?: { readonly [M in keyof RemoteParts[P]]-?: CallKind };
};

/** A client that leaves: its claims and leases end once its other calls have been answered. */
export const leaveCall = 'leave';
