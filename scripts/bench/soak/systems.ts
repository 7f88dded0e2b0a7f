// The daemon of a soak test with the systems around it and its clients. Used by soak.ts.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createStatusToken } from '../../../src/crypto/status-token.ts';
import type { LastingFrames } from '../children/lasting-sockets.ts';
import type { MixedResult, Plan } from '../children/mixed.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { type BenchEnvironment, swobScript } from '../environment.ts';
import { disconnectRequests, fillStore } from '../fixtures.ts';
import type { Broker } from '../options.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

const users = 1_000;
/** Codes that each socket shows. */
const codes = 8;
const developer = { authId: 'soak', authKey: 's3cret' };
const setUp = { id: 'setup', key: 'change-me' };
const statusSecret = '0123456789abcdef0123456789abcdef';

/** Full within the first quarter of a run of ten minutes or more, so that bounded memory does not hide a leak. */
const bounds = [
  'publisher.max_remembered=5000',
  'disconnect.audit_max=2000',
  'outgoing.max_messages=2000',
  'outgoing.max_waiting=2000',
  'logging.max_file_size=256 KB',
  'logging.max_count=4',
];
/** Other programs on the machine may take the core for longer than the default of a second. */
const patient = 'overload.max_event_loop_delay=10s';

export interface SoakSystems {
  readonly daemon: Daemon;
  /** Of the store, the keys and the log. */
  readonly folder: string;
  readonly sockets: number;
  /** Runs the load; rate 0 is as fast as responses arrive. */
  load(seconds: number, rate: number): Promise<MixedResult>;
  /** Ends the load early. */
  stopLoad(): void;
  /** Closes the sockets and ends the processes. */
  close(): Promise<LastingFrames>;
}

export async function startSoakSystems(
  environment: BenchEnvironment,
  broker: Broker | undefined,
): Promise<SoakSystems> {
  const sockets = environment.quick ? 50 : 1_000;
  const upstream = await startUpstream(environment);
  const backEnd = await startDeveloperApi(environment);
  const folder = await environment.folder();
  await fillStore(folder, { users });
  const { requests, keyFile } = await disconnectRequests(folder, environment.quick ? 100 : 2_000);
  const rotateMs = environment.quick ? 500 : 15_000;
  const daemon = await startDaemon(environment, ['gateway', 'sync', 'disconnect'], {
    folder,
    settings: [
      ...Object.values(upstream.settings).flat(),
      ...backEnd.settings,
      ...(broker ? outgoingSettings(broker, backEnd.url) : []),
      `validation.public_key=${keyFile}`,
      `sync.session_change_limit=${codes}`,
      `sync.session_sleep_timeout=${rotateMs}ms`,
      `logging.base_dir=${join(folder, 'log')}`,
      ...bounds,
      patient,
    ],
    // As in confs/install/default: without it, V8 keeps hundreds of megabytes of garbage.
    nodeFlags: ['--max-old-space-size=128'],
  });
  const { gateway, disconnect } = daemon.urls;
  if (broker) await startPhone(environment, gateway, broker);
  const lasting = environment.startScript('load', 'lasting-sockets', [
    gateway,
    ...[sockets, codes, rotateMs].map(String),
  ]);
  await lasting.nextLine();
  const mixed = await startMixed(environment, {
    ...{ gateway, disconnect, disconnects: requests, users },
    adminToken: (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim(),
    developer: broker ? { ...developer, callbackUrl: `${upstream.url}/callback` } : null,
  });
  return {
    ...{ daemon, folder, sockets },
    ...mixed,
    close: async () => {
      lasting.tell('close');
      const frames: LastingFrames = JSON.parse(await lasting.nextLine());
      await Promise.all([lasting, daemon.child, upstream.child, backEnd.child].map((child) => child.stop()));
      return frames;
    },
  };
}

function outgoingSettings({ url, managementUrl }: Broker, developerApi: string): string[] {
  const { username, password } = new URL(url);
  return [
    `broker.url=${url}`,
    `broker.management_url=${managementUrl}`,
    `broker.management_user=${decodeURIComponent(username)}`,
    `broker.management_password=${decodeURIComponent(password)}`,
    `dev_api.authentication_url=${developerApi}/v1/authenticate`,
    `outgoing.setup_id=${setUp.id}`,
    `outgoing.setup_key=${setUp.key}`,
    `outgoing.status_secret=${statusSecret}`,
    'outgoing.callback_allow=127.0.0.1',
  ];
}

/** Subscribes the developer, and starts a stub of a phone that sends the developer's SMS and reports on them. */
async function startPhone(environment: BenchEnvironment, gateway: string, broker: Broker): Promise<void> {
  const { authId, authKey } = developer;
  const response = await fetch(`${gateway}/v1/subscribe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...setUp, auth_id: authId, auth_key: authKey }),
  });
  if (!response.ok) throw new Error(`/v1/subscribe: ${response.status} ${await response.text()}`);
  const { host } = new URL(broker.url);
  const addresses = [
    '--url',
    `amqp://${host}`,
    '--port',
    '0',
    '--status-url',
    `${gateway}/v1/status/${authId}`,
  ];
  const phone = environment.startNode(
    'load',
    'phone',
    [swobScript, 'stub', 'phone', '--auth-id', authId, '--prefetch', '20', ...addresses],
    { env: { SWOB_AUTH_KEY: authKey, SWOB_STATUS_TOKEN: createStatusToken(statusSecret, authId) } },
  );
  await phone.nextLine();
}

async function startMixed(environment: BenchEnvironment, plan: Plan) {
  const file = join(await environment.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const child = environment.startScript('load', 'mixed', [file]);
  await child.nextLine();
  return {
    load: async (seconds: number, rate: number): Promise<MixedResult> => {
      child.tell(JSON.stringify({ seconds, rate }));
      return JSON.parse(await child.nextLine(seconds * 1_000));
    },
    stopLoad: () => child.tell(JSON.stringify({ stop: true })),
  };
}
