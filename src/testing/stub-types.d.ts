// The types of the stubs of `swob/testing`. Part of declarations.d.ts.
/// <reference lib="esnext.disposable" />

export interface StubOptions {
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** Port to listen on; a free one by default. */
  readonly port?: number;
}

/** A request that a stub has received. */
export interface JournalEntry {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Decoded; of a repeated parameter the last. */
  readonly query: Readonly<Record<string, string>>;
  /** The members of a JSON body, without secrets; empty for other bodies. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Of the response; null while there is none. */
  readonly status: number | null;
}

export interface Expectation {
  /**
   * Conditions as of `swob verify --received`: `field=text`, `field!=text`, `field~=pattern` or `field!~=pattern`. All must hold
   * for one request; none holds for every request. A field is a member of a JSON body, a parameter of a query, `method`, `path` or
   * `status`.
   */
  readonly received?: readonly string[];
  /** How many requests: `2`, or a text such as `>=2`, `<=2`, `1-3`; at least one by default. */
  readonly times?: number | string;
  /** Milliseconds to wait for them; 0 by default. */
  readonly withinMs?: number;
}

export interface Stub extends AsyncDisposable {
  /** `http://host:port` as bound. */
  readonly url: string;
  /** The last 100,000 requests, oldest first. */
  journal(): readonly JournalEntry[];
  /**
   * Resolves once the expectation is met; rejects with what came instead. Only `times: 0` and `<=n` wait for the whole time.
   *
   * @example
   * await publisher.verify({ received: ['message~=Hello', 'status=200'], times: 1, withinMs: 5_000 });
   */
  verify(expectation: Expectation): Promise<void>;
  /** Forgets everything that it has received, for the next test. */
  clear(): Promise<void>;
  /** Closes it with its open connections. Idempotent. */
  close(): Promise<void>;
}

/** The mode of the next requests to a stub. */
export interface BehaviourStep<Mode> {
  readonly mode: Mode;
  /** Requests that get it; 1 by default. */
  readonly times?: number;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
}

export interface ModeOptions {
  /** The number of requests that the mode applies to; all further ones by default. */
  readonly count?: number;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
}

/**
 * - `normal`: accepts a message and responds 200; `slow`: accepts it and responds after `ms`
 * - `close`: accepts it and closes the connection without a response
 * - `refuse`: 500; `reject`: 400; `hang`: no response; none of them accepts the message
 */
export type PublisherMode = 'normal' | 'refuse' | 'reject' | 'hang' | 'slow' | 'close';

/** Of every `of` requests the first `failing` fail. */
export interface FailRatio {
  readonly failing: number;
  readonly of: number;
}

export interface PublishedMessage {
  /** The Idempotency-Key that came with it. */
  readonly id: string | null;
  /** The sender; of a publication its address. */
  readonly MSISDN: string;
  /** The text; of a publication the payload as it came. */
  readonly message: string;
  /** Whether it came to `/v1/publications`. */
  readonly publication?: true;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface PublisherStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<PublisherMode>[];
  /** The mode at start; `normal` by default. */
  readonly mode?: PublisherMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** Messages that get 500 and are not accepted; none by default. */
  readonly fail?: FailRatio;
  /** Whether a message with an earlier Idempotency-Key is ignored; true by default. */
  readonly dedupe?: boolean;
  /** The tag that publications must have; none is checked by default. */
  readonly tag?: string;
  /** Called with each accepted message. */
  readonly onMessage?: (message: PublishedMessage) => void;
}

export interface PublisherStub extends Stub {
  /** The last 100,000 accepted messages, oldest first. */
  messages(): readonly PublishedMessage[];
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: PublisherMode, options?: ModeOptions & { readonly fail?: FailRatio }): void;
}

/** Starts a stub of the Publisher. Rejects when it cannot listen at the address. */
export declare function stubPublisher(options?: PublisherStubOptions): Promise<PublisherStub>;

/**
 * - `normal`: a working PCRF; `slow`: the same after `ms`; `drip`: the same, one byte a second
 * - `ignore`: success, but the session continues
 * - `refuse`: 500 and a JSON error; `redirect`: 302; `garbage`: 200 and HTML
 * - `hang`: no response; `close`: the connection ends in the middle of the response
 * - `endless`: JSON without end; `gzip-bomb`: a small compressed body that decompresses to a large one
 */
export type PcrfMode =
  | 'normal'
  | 'slow'
  | 'refuse'
  | 'ignore'
  | 'hang'
  | 'redirect'
  | 'close'
  | 'garbage'
  | 'drip'
  | 'endless'
  | 'gzip-bomb';

/** A session of a Wi-Fi user. */
export interface WifiSession {
  /** Digits as text, because it may have 19. */
  readonly sessionId: string;
  readonly nasIp: string;
  readonly vrf: string;
  /** `FC-45-96-5F-50-AC` */
  readonly clientMac: string;
}

export interface PcrfRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  /** Names and values of the query in their order, decoded. */
  readonly query: readonly (readonly [string, string])[];
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface PcrfStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<PcrfMode>[];
  /** The existing sessions; without any, every request succeeds. */
  readonly sessions?: readonly WifiSession[];
  /** The mode at start; `normal` by default. */
  readonly mode?: PcrfMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
}

export interface PcrfStub extends Stub {
  /** The last 10,000 requests, oldest first. */
  requests(): readonly PcrfRequest[];
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: PcrfMode, options?: ModeOptions): void;
}

/** Starts a stub of the PCRF. Rejects when it cannot listen at the address. */
export declare function stubPcrf(options?: PcrfStubOptions): Promise<PcrfStub>;

/**
 * - `normal`: simulates working systems; `refuse`: simulates failing ones, with 500; `hang`: never responds
 * - `expire`: the next request to the back end, or `count` of them, gets 401 as after the end of a session
 */
export type DeveloperMode = 'normal' | 'refuse' | 'hang' | 'expire';

/** A request as it is listed, without keys and cookies. */
export interface DeveloperRequest {
  readonly method: string;
  readonly path: string;
  readonly auth_id?: string;
  readonly phone_number?: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface DeveloperStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<Exclude<DeveloperMode, 'expire'>>[];
  /** Auth keys by auth id. Without any, every id and key is accepted, and the back end requires no sign-in. */
  readonly developers?: Readonly<Record<string, string>>;
  /** Users by number in E.164 format. Without any, every number belongs to the user of the same name. */
  readonly numbers?: Readonly<Record<string, string>>;
}

export interface DeveloperStub extends Stub {
  /** The last 10,000 well-formed requests, oldest first. */
  requests(): readonly DeveloperRequest[];
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: DeveloperMode, options?: ModeOptions): void;
}

/** Starts a stub of the developer API and of the back end, on one port. Rejects when it cannot listen at the address. */
export declare function stubDeveloper(options?: DeveloperStubOptions): Promise<DeveloperStub>;

/**
 * - `normal`: a working system; `slow`: the same after `ms`
 * - `refuse`: 500; `hang`: no response; `close`: closes the connection without a response
 */
export type BasicMode = 'normal' | 'refuse' | 'hang' | 'slow' | 'close';

export interface UsersStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<BasicMode>[];
  /** Passwords by user id; none by default. */
  readonly users?: Readonly<Record<string, string>>;
  /** The saved platforms of every user, in the form of the API; gmail, twitter and telegram by default. */
  readonly platforms?: readonly Record<string, unknown>[];
}

export interface UsersStub extends Stub {
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: BasicMode, options?: ModeOptions): void;
}

/** Starts a stub of the user management API. Rejects when it cannot listen at the address. */
export declare function stubUsers(options?: UsersStubOptions): Promise<UsersStub>;

export interface CallbacksStubOptions extends StubOptions {
  /** The modes of the first requests, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<BasicMode>[];
  /** The mode at start; `normal` by default. */
  readonly mode?: BasicMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** As `[outgoing] callback_secret`; no signature is checked by default. */
  readonly secret?: string;
}

export interface CallbacksStub extends Stub {
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: BasicMode, options?: ModeOptions): void;
}

/** Starts a stub of a developer's server that receives callbacks. Rejects when it cannot listen at the address. */
export declare function stubCallbacks(options?: CallbacksStubOptions): Promise<CallbacksStub>;
