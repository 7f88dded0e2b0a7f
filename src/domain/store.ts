// The store as a whole, which the adapters in store/ implement and the composition root hands out in parts.

import type { Deadline } from '../lib/deadline.ts';
import type { InboundSms, Receipt } from './inbound/model.ts';
import type { MonitoringStore } from './monitoring/ports.ts';
import type { WaitingSms } from './outgoing/message.ts';
import type { Callback, StoredResponse } from './outgoing/model.ts';
import type { OutgoingMessageStore } from './outgoing/ports.ts';
import type { PasswordClaims, SessionStore, UserStore } from './pairing/ports.ts';
import type { PairingSteps } from './pairing/steps.ts';
import type { DeliveringClientStore, ReliabilityTestStore, SeedStore } from './seeds/ports.ts';
import type { SignOut } from './shared/model.ts';
import type { LimitStore, OutboxStore, SharedStore, TtlStore } from './shared/ports.ts';
import type { DisconnectAuditStore } from './wifi/audit-model.ts';

/** Everything that outlives a request. */
export interface Store {
  readonly seeds: SeedStore;
  readonly clients: DeliveringClientStore;
  readonly tests: ReliabilityTestStore;
  readonly sessions: SessionStore;
  readonly passwordClaims: PasswordClaims;
  readonly users: UserStore;
  /** Undefined where each step can as well be made of calls of the other parts. */
  readonly pairingSteps?: PairingSteps | undefined;
  readonly limits: LimitStore;
  /** Inbound SMS that wait for the Publisher, and those that were dead-lettered. */
  readonly inbound: OutboxStore<InboundSms>;
  /** Receipts of the inbound SMS that the Publisher has. */
  readonly receipts: TtlStore<Receipt>;
  /** Results that wait to be reported to developers. */
  readonly callbacks: OutboxStore<Callback>;
  /** Responses to developers' requests, for the same request again. */
  readonly responses: TtlStore<StoredResponse>;
  /** Sessions of the console that have signed out, by their id. */
  readonly signOuts: TtlStore<SignOut>;
  /** What became of outgoing SMS. */
  readonly messages: OutgoingMessageStore;
  /** Outgoing SMS that the broker does not have yet. */
  readonly waitingSms: OutboxStore<WaitingSms>;
  /** Histories for plots, and what the nodes say about themselves. */
  readonly monitoring: MonitoringStore;
  /** The audit trail of the disconnect service. */
  readonly disconnects: DisconnectAuditStore;
  /** Undefined where a single process owns the store. */
  readonly shared?: SharedStore | undefined;
  /** Resolves when the store can write durably now, which costs one small write; throws UNAVAILABLE. */
  probe(): Promise<void>;
  /** Writes what is still in memory and releases the lock; idempotent. A remote store stops waiting at the deadline. */
  close(deadline?: Deadline): Promise<void>;
}
