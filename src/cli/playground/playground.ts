// The playground: all services and a stub of every system around them, in this process, with throw-away data and keys.
// Used by create.ts.

import { generateKeyPair } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServices } from '../../app/compose/start.ts';
import type { Lifecycle } from '../../app/lifecycle.ts';
import type { LogTail } from '../../app/logging/log-tail.ts';
import { displaySetting } from '../../config/display-value.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { loadServerKeys } from '../../crypto/server-keys.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { WifiSession } from '../../domain/wifi/model.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { writeNewFile } from '../../lib/durable-files.ts';
import { bracketHost } from '../../lib/net.ts';
import { startDeveloperStub } from '../../stubs/developer.ts';
import type { JournalEntry } from '../../stubs/journal.ts';
import { startNasStub } from '../../stubs/nas.ts';
import { startPcrfStub } from '../../stubs/pcrf.ts';
import type { RunningPhoneStub } from '../../stubs/phone.ts';
import { startPublisherStub } from '../../stubs/publisher.ts';
import { startUsersStub } from '../../stubs/users.ts';
import { writeFileAtomic } from '../ready-file.ts';
import { describeEntry } from '../verdict-report.ts';
import type { StubFailures } from './failures.ts';
import {
  type BrokerOptions,
  createOutgoingSetup,
  outgoingSettings,
  type PlaygroundDeveloper,
  startOutgoing,
} from './outgoing.ts';
import { type Backend, formatIni, playgroundSettings, withSetOptions } from './settings.ts';

interface User {
  readonly id: string;
  readonly password: string;
  readonly msisdn: string;
}

/** What the playground knows without configuration: one user, with a phone number. */
export const playgroundUser: User = {
  id: 'alice',
  password: 'correct horse',
  msisdn: '+237650393369',
};

/** Where the parts listen. */
interface PlaygroundAddress {
  readonly host: string;
  /** Of the gateway; the other parts get the next ones, in the order of `playgroundParts`. 0: each a free one. */
  readonly port: number;
}

export interface PlaygroundOptions {
  /** Free ports of 127.0.0.1 by default. */
  readonly address?: PlaygroundAddress;
  /** None by default. */
  readonly failures?: StubFailures;
  /** For outgoing SMS; without it the gateway has none. */
  readonly broker?: BrokerOptions | undefined;
  /** Users besides `playgroundUser`; none by default. */
  readonly users?: readonly User[];
  /** `section.key=value`, over the playground's own settings. */
  readonly setOptions: readonly string[];
  /** Runs before the services open the store. */
  readonly prepareStore?: (config: Config) => Promise<void>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The log of the console. */
  readonly logTail: LogTail;
  /** Closes everything, and removes the folder. */
  readonly lifecycle: Lifecycle;
}

/** The names of services and stubs, in the order in which they are shown. */
export const playgroundParts = [
  'gateway',
  'sync',
  'disconnect',
  'users',
  'developer',
  'publisher',
  'pcrf',
  'nas',
] as const;

/** As in the examples of FreeRADIUS, and the default of `swob stub nas`. */
const nasSecret = 'testing123';

/** The session of the documented sample token. */
export const sampleSession: WifiSession = {
  nasIp: '100.112.0.1',
  sessionId: '5692549928996307964',
  vrf: '1',
  clientMac: 'FC-45-96-5F-50-AC',
};

const defaultAddress: PlaygroundAddress = { host: '127.0.0.1', port: 0 };

export interface Playground {
  /** `http://127.0.0.1:port`, also when it listens on every address; of sync `ws://…`. */
  readonly urls: Readonly<Record<(typeof playgroundParts)[number], string>>;
  readonly nas: {
    /** `127.0.0.1:port` of the NAS stub, for RADIUS over UDP. */
    readonly radius: string;
    /** The file of the secret that it shares with its clients. */
    readonly secretFile: string;
  };
  /** With a RabbitMQ. */
  readonly outgoing?: PlaygroundDeveloper & { readonly phoneUrl: string };
  /** The session of its tokens; at the NAS stub where sessions are ended by RADIUS. */
  readonly session: WifiSession;
  /** Everything that the playground writes; removed at its end. */
  readonly folder: string;
  /** For `swob -c`: addresses, keys and token of this playground. */
  readonly config: string;
  readonly adminTokenFile: string;
  /** Signs tokens that the disconnect service accepts. */
  readonly jwtPrivateKey: string;
}

/** With the stubs, whose methods say what they have received. */
export interface RunningPlayground extends Playground {
  readonly stubs: Awaited<ReturnType<typeof startStubs>> & { readonly phone?: RunningPhoneStub };
}

/** Throws UNAVAILABLE when a port is in use. When this throws, the caller stops the lifecycle. */
export async function startPlayground(options: PlaygroundOptions): Promise<RunningPlayground> {
  const {
    failures = {},
    users = [],
    address = defaultAddress,
    broker,
    setOptions,
    lifecycle,
    clock,
    log,
    logTail,
    version,
  } = options;
  const folder = await mkdtemp(join(tmpdir(), 'swob-playground-')).catch((cause: unknown) => {
    const message = `cannot create a folder in ${tmpdir()}: ${messageOf(cause)}; name another with TMPDIR`;
    throw new SwobError('UNAVAILABLE', message, { cause });
  });
  lifecycle.defer('playground folder', () => rm(folder, { recursive: true, force: true }));
  const secretFile = join(folder, 'nas.secret');
  const [stubs, jwtPrivateKey] = await Promise.all([
    startStubs(address, [playgroundUser, ...users], failures, options),
    createJwtKeys(folder),
    writeNewFile(secretFile, `${nasSecret}\n`),
  ]);
  const stubUrls = {
    users: reachable(stubs.users.url),
    developer: reachable(stubs.developer.url),
    publisher: reachable(stubs.publisher.url),
    pcrf: reachable(stubs.pcrf.url),
    nas: reachable(stubs.nas.url),
  };
  const nasAddress = { address: thisMachine(stubs.nas.radius.address), port: stubs.nas.radius.port };
  const backend = requestedBackend(setOptions);
  const config = join(folder, 'conf.ini');
  const files = { folder, jwtPublicKey: jwtPublicKeyIn(folder) };
  const setup = broker && createOutgoingSetup(broker);
  const more = setup ? outgoingSettings(setup) : {};
  const systems = { ...stubUrls, backend, radius: { ...nasAddress, secretFile } };
  const settings = playgroundSettings(files, systems, {
    host: address.host,
    gateway: portFor('gateway', address),
    sync: portFor('sync', address),
    disconnect: portFor('disconnect', address),
  });
  await writeFileAtomic(config, formatIni({ ...settings, ...more }), 0o600);
  const { config: loaded, settings: loadedSettings } = loadConfig({ files: [config], setOptions, env: {} });
  // Before the gateway does, which would warn that there was no key pair.
  const { public_key_filepath: publicKey, private_key_filepath: privateKey } = loaded.security;
  await loadServerKeys({ publicKey, privateKey });
  await options.prepareStore?.(loaded);
  const services = new Set(['gateway', 'sync', 'disconnect'] as const);
  const endpoints = await startServices(loaded, services, {
    clock,
    log,
    lifecycle,
    version,
    settings: loadedSettings.map(displaySetting),
    logTail,
  });
  const urlOf = (name: 'gateway' | 'sync' | 'disconnect'): string => reachable(endpoints[name]?.url ?? '');
  const urls = {
    gateway: urlOf('gateway'),
    sync: urlOf('sync'),
    disconnect: urlOf('disconnect'),
    ...stubUrls,
  };
  const addresses = {
    host: address.host,
    gateway: portOf(urls.gateway),
    sync: portOf(urls.sync),
    disconnect: portOf(urls.disconnect),
  };
  const final = withSetOptions({ ...playgroundSettings(files, systems, addresses), ...more }, setOptions);
  await writeFileAtomic(config, formatIni(final), 0o600);
  const { admin_token_filepath: adminTokenFile } = loaded.security;
  const nas = { radius: `${bracketHost(nasAddress.address)}:${nasAddress.port}`, secretFile };
  // Packets go to the nasIp of a token.
  const session = backend === 'pcrf' ? sampleSession : { ...sampleSession, nasIp: nasAddress.address };
  const playground = { urls, nas, session, folder, config, adminTokenFile, jwtPrivateKey };
  if (!setup) return { ...playground, stubs };
  // The port after those of the parts that every playground has.
  const port = address.port === 0 ? 0 : address.port + playgroundParts.length;
  const at = { gateway: urls.gateway, folder, host: address.host, port };
  const { developer, phone } = await startOutgoing(setup, at, { clock, lifecycle });
  const outgoing = { ...developer, phoneUrl: reachable(phone.url) };
  return { ...playground, outgoing, stubs: { ...stubs, phone } };
}

async function startStubs(
  address: PlaygroundAddress,
  users: readonly User[],
  failures: StubFailures,
  { clock, log, lifecycle }: Pick<PlaygroundOptions, 'clock' | 'log' | 'lifecycle'>,
) {
  const at = (name: (typeof playgroundParts)[number]) => ({
    host: address.host,
    port: portFor(name, address),
    clock,
    onEnded: (entry: JournalEntry) => log.info({ stub: name }, describeEntry(entry)),
  });
  const passwords = new Map(users.map(({ id, password }) => [id, password]));
  const numbers = new Map(users.map(({ id, msisdn }) => [msisdn, id]));
  const opened = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const stub = await starting;
    lifecycle.defer('stub', () => stub.close());
    return stub;
  };
  // One after the other, so that the lifecycle has all that were started when one cannot listen.
  return {
    users: await opened(startUsersStub({ ...at('users'), users: passwords })),
    developer: await opened(startDeveloperStub({ ...at('developer'), numbers })),
    publisher: await opened(startPublisherStub({ ...at('publisher'), ...failures.publisher })),
    pcrf: await opened(startPcrfStub({ ...at('pcrf'), ...failures.pcrf })),
    // RADIUS has the same port as its journal, because UDP ports are others than those of TCP.
    nas: await opened(
      startNasStub({ ...at('nas'), radiusPort: portFor('nas', address), secret: nasSecret, ...failures.nas }),
    ),
  };
}

/** @returns the file of the private key */
async function createJwtKeys(folder: string): Promise<string> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const file = join(folder, 'jwt-private.pem');
  await Promise.all([
    writeNewFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    writeNewFile(jwtPublicKeyIn(folder), publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  ]);
  return file;
}

function jwtPublicKeyIn(folder: string): string {
  return join(folder, 'jwt-public.pem');
}

function portFor(name: (typeof playgroundParts)[number], { port }: PlaygroundAddress): number {
  return port === 0 ? 0 : port + playgroundParts.indexOf(name);
}

/** The backend that the options set, as `--set disconnect.backend=radius`; an unknown one is refused with the configuration. */
function requestedBackend(setOptions: readonly string[]): Backend {
  const [, value] =
    setOptions.map((each) => each.split('=')).findLast(([key]) => key === 'disconnect.backend') ?? [];
  return value === 'radius' || value === 'both' ? value : 'pcrf';
}

/** Names this machine where the URL has the address of all its interfaces. */
function reachable(url: string): string {
  return url.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, '//127.0.0.1:');
}

/** The same for an address. */
function thisMachine(address: string): string {
  return address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
