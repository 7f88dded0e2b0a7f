// What every kind of store offers besides its ports, so that no code outside its folder depends on the kind. The
// composition root lists the adapters in app/compose/store-adapters.ts.

import type { Config } from '../config/schema.ts';
import type { Clock } from '../domain/shared/ports.ts';
import type { Store } from '../domain/store.ts';
import type { Finding } from '../lib/finding.ts';
import type { StoreArchive } from './archive/archive.ts';
import type { LockHolder } from './lock/lock.ts';
import type { StoreOptions } from './options.ts';

/** Messages to the other processes of a shared store. */
export interface Channels {
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): { active(): Promise<void>; end(): void };
  /** Runs after an outage, when everything is subscribed again. */
  onReconnect(listener: () => void): () => void;
}

/** The outboxes of an embedded store as one of several processes uses them: each one has claims of its own. */
export interface ProcessOutboxes extends Pick<Store, 'inbound' | 'callbacks' | 'waitingSms'> {
  /** Ends all claims of the process: their entries are due as before, with the attempts that it has recorded. */
  release(): void;
}

/** A store that this process owns, and can serve to others (remote/owner.ts). */
export interface EmbeddedStore extends Store {
  /** Adds a process with claims of its own. */
  joinProcess(): ProcessOutboxes;
}

export interface OpenedStore {
  readonly store: Store;
  /** Where other processes share the store. */
  readonly channels?: Channels;
  /** The same store, where this process owns it. */
  readonly embedded?: EmbeddedStore;
}

/** A file that the configuration names for this store, as `swob doctor` reports on it. */
export interface ConfiguredFile {
  readonly check: string;
  readonly path: string;
  /** `[store] ca` */
  readonly key: string;
}

export interface InspectionContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether a folder can be written or created, and who else can enter it. */
  readonly checkFolder: (check: string, folder: string, key: string, isSecret: boolean) => Promise<Finding>;
}

/** One kind of store, such as that of all `file:` URLs. */
export interface StoreKind {
  /** As messages name it: `Redis`. */
  readonly name: string;
  /** The form of its URLs, for messages. */
  readonly form: string;
  matches(url: string): boolean;
  /** Throws an Error that names the expected form of the URL and quotes nothing of it. */
  checkUrl(url: string): void;
  /** Keys of [store] that no other kind uses. */
  readonly ownKeys: readonly (keyof Config['store'])[];
  /** One message per invalid combination in [store], naming the keys. */
  settingErrors(store: Config['store']): string[];
  createAdapter(config: Config): StoreAdapter;
}

/** The store at the URL of the configuration. */
export interface StoreAdapter {
  /** Whether several processes may have the store open at the same time. */
  readonly isShared: boolean;
  /** What `swob status` reports for a store that no single process can hold. */
  readonly summary?: string;
  /** The absolute path of a store in a folder. */
  readonly folder?: string;
  /** The files that [store] names besides `url`. */
  readonly configuredFiles: readonly ConfiguredFile[];
  /** Throws CONFIG and UNAVAILABLE. */
  open(options: StoreOptions): Promise<OpenedStore>;
  /**
   * Undefined when nothing outlives the process. An `export` requires an existing store; a `preview` of an import writes
   * nothing as long as nothing is restored.
   */
  readonly openArchive?: (
    options: StoreOptions,
    purpose: 'export' | 'import' | 'preview',
  ) => Promise<StoreArchive>;
  /** The process that has the store open. Neither takes the lock nor writes. Throws UNAVAILABLE. */
  findHolder(clock: Clock): Promise<LockHolder | undefined>;
  /** What `swob doctor` finds. */
  inspect(context: InspectionContext): Promise<Finding[]>;
}
