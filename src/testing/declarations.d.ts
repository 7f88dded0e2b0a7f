// The types of `swob/testing`, which refer to no package: the build copies them into the package as they are, and the compiler
// checks the implementation in this folder against them.
/// <reference lib="esnext.disposable" />

import type { NasStub } from './nas-stub-types.js';
import type { PhoneStub } from './phone-stub-types.js';
import type { DeveloperStub, PcrfStub, PublisherStub, UsersStub, WifiSession } from './stub-types.js';

export * from './nas-stub-types.js';
export * from './phone-stub-types.js';
export * from './stub-types.js';

/** The name of a part of the playground. */
export type PlaygroundPart =
  | 'gateway'
  | 'sync'
  | 'disconnect'
  | 'users'
  | 'developer'
  | 'publisher'
  | 'pcrf'
  | 'nas';

/** A user of the user management API, with a phone number that the back end resolves. */
export interface PlaygroundUser {
  readonly id: string;
  readonly password: string;
  /** In E.164 format. */
  readonly msisdn: string;
}

export interface PlaygroundOptions {
  /** Users besides `alice`. */
  readonly users?: readonly PlaygroundUser[];
  /**
   * Configuration keys, such as `{ 'seeds.expiry': '7s' }`; docs/reference/configuration.md lists them. With
   * `{ 'disconnect.backend': 'radius' }`, or `both`, sessions are ended at the NAS stub.
   */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /**
   * A RabbitMQ for outgoing SMS, with an administrator: `{ url: 'amqp://guest:guest@localhost' }`. `managementUrl` is port 15672 of the same
   * host by default.
   */
  readonly broker?: { readonly url: string; readonly managementUrl?: string };
  /** Whether to start with three active seeds and a paired phone; false by default. */
  readonly seedData?: boolean;
  /** Called with each line of the log, one JSON object; without it nothing is logged. */
  readonly onLog?: (line: string) => void;
  /** The lowest level that is logged; `info` by default. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

/** All services and a stub of every system around them, in this process, with their own folder and free ports. */
export interface Playground extends AsyncDisposable {
  /** `http://127.0.0.1:port` of each part, `ws://…` of `sync`. */
  readonly urls: Readonly<Record<PlaygroundPart, string>>;
  /** The user that always exists: `alice`. */
  readonly user: PlaygroundUser;
  /** Authorises the operator's routes, as `Authorization: Bearer …`. */
  readonly adminToken: string;
  /** The file of the RSA key (PEM) whose tokens the disconnect service accepts; `mintToken` signs with it. */
  readonly jwtPrivateKeyFile: string;
  /** The folder of data, keys and configuration; removed by `close`. */
  readonly folder: string;
  /** The configuration file, for `swob -c` and `SWOB_CONFIG`. */
  readonly configFile: string;
  /** The variables of `swob playground env`, for child processes. */
  readonly env: Readonly<Record<string, string>>;
  /** The session that its tokens name. */
  readonly session: WifiSession;
  /** What a RADIUS client needs besides the address of the NAS stub: the file of the shared secret. */
  readonly nasSecretFile: string;
  readonly stubs: {
    readonly users: UsersStub;
    readonly developer: DeveloperStub;
    readonly publisher: PublisherStub;
    readonly pcrf: PcrfStub;
    readonly nas: NasStub;
    /** With `broker`. */
    readonly phone?: PhoneStub;
  };
  /** With `broker`: a developer who has subscribed, and where its phones report. */
  readonly developer?: {
    readonly authId: string;
    readonly authKey: string;
    readonly statusUrl: string;
    readonly statusToken: string;
  };
  /** Stops everything and removes the folder, within 10 seconds. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a playground; several may run at the same time. Rejects when a key of `config` is unknown or its value is
 * invalid, after it has removed what it had started.
 *
 * @example
 * await using services = await playground();
 * const alice = await phone(services);
 * await alice.send('g:bob@example.org:::Hello:I am well');
 */
export declare function playground(options?: PlaygroundOptions): Promise<Playground>;

export interface PhoneOptions {
  /** Whose phone it is; the playground's own user by default. */
  readonly user?: PlaygroundUser;
  /** Of its SIM; `624010123456789`, of an operator in Cameroon, by default. */
  readonly imsi?: string;
}

/** The response of the gateway to an SMS. */
export interface SmsResponse {
  /** HTTP status: 200 when it was published or refused, 202 when the gateway keeps and retries it. */
  readonly status: number;
  /** `message published successfully`, `message accepted`, or why it was refused. */
  readonly text: string;
  /** For `swob sms trace`; undefined when and only when the SMS was refused. */
  readonly id: string | undefined;
}

/** A phone that has paired with the gateway of a playground. */
export interface Phone {
  readonly user: PlaygroundUser;
  readonly imsi: string;
  /** The AES key that it shares with the gateway: 32 hex characters. */
  readonly sharedKey: string;
  /** Sends an SMS, such as `g:bob@example.org:::subject:body`, encrypted. Rejects only when there is no response. */
  send(text: string): Promise<SmsResponse>;
  /** Encrypts a text without sending it: the `text` of `POST /sms/platform/gateway-client`. */
  encrypt(text: string): string;
  /** Pings as a gateway client. Rejects when the ping is refused. @returns the LPS in Unix seconds */
  ping(type?: 'seed' | 'seeder'): Promise<number>;
}

/** Pairs a phone by the QR code of the sync websocket. Rejects when the password is wrong or the gateway is closed. */
export declare function phone(playground: Playground, options?: PhoneOptions): Promise<Phone>;

/**
 * A token for the disconnect service, signed with RS256 by the playground's key: valid for 20 hours, for the `session` of the
 * playground. Claims replace those of the sample; `undefined` removes one. Nothing is checked, so that tests
 * can mint tokens that must be refused.
 *
 * @example
 * const expired = mintToken(services, { exp: 1 });
 */
export declare function mintToken(
  playground: Pick<Playground, 'jwtPrivateKeyFile'> & Partial<Pick<Playground, 'session'>>,
  claims?: Readonly<Record<string, unknown>>,
): string;
