// Several gateways and sync services that share a Redis, each a process of the real binary, and phones and pages that
// switch to another node when theirs fails. Used by many-nodes.test.ts.

import { join } from 'node:path';
import { vi } from 'vitest';
import { startUsersStub } from '../../src/stubs/users.ts';
import { absentSystemSettings } from '../support/absent-systems.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { openPage, type Page } from '../support/page.ts';
import { decryptWith, encryptFor, type Phone, post, shakeHands } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { onEnd } from '../support/teardown.ts';

type Role = 'gateway' | 'sync';

export interface Node {
  readonly role: Role;
  /** `http://127.0.0.1:40001`, `ws://127.0.0.1:40002` */
  readonly url: string;
  /** Its connection to Redis. */
  readonly network: TcpProxy;
  start(): Promise<void>;
  process(): RunningProcess;
}

export interface NodeCluster {
  readonly nodes: readonly Node[];
  /** A different node each time, whether it is available or not. */
  next(role: Role): Node;
}

/** `redisPort` of 127.0.0.1; `users` with their passwords. */
export async function startNodeCluster(
  redisPort: number,
  users: ReadonlyMap<string, string>,
  { each: nodesPerRole = 3, set = [] }: { each?: number; set?: readonly string[] } = {},
): Promise<NodeCluster> {
  const folder = temporaryFolder();
  const stub = await startUsersStub({ host: '127.0.0.1', port: 0, users });
  onEnd(() => stub.close());
  const api = 'user_management_api';
  const common = [
    ...(await absentSystemSettings()),
    ...['public_key', 'private_key', 'admin_token'].map(
      (name) => `security.${name}_filepath=${join(folder, name)}`,
    ),
    `${api}.api_url=${stub.url}`,
    `${api}.verification_url=${stub.url}/v2/users/%s/verify`,
    `${api}.platforms_url=${stub.url}/v2/users/%s/platforms`,
    'api.state=production',
    'store.timeout=1s',
    ...['sessions', 'guesses', 'passwords'].map((name) => `limits.${name}=100000/1m`),
  ];

  const prepare = async (role: Role): Promise<Node> => {
    const network = await startProxy(redisPort);
    const port = await freePort();
    const listener = role === 'gateway' ? 'api' : 'websocket';
    const settings = [
      ...common,
      `${listener}.port=${port}`,
      `store.url=redis://127.0.0.1:${network.port}`,
      ...set,
    ];
    let running: RunningProcess | undefined;
    return {
      role,
      url: `${role === 'gateway' ? 'http' : 'ws'}://127.0.0.1:${port}`,
      network,
      start: async () => {
        const args = settings.flatMap((setting) => ['--set', setting]);
        running = await startSwob(['serve', role, ...args], { cwd: folder });
      },
      process: () => {
        if (!running) throw new Error('this node was not started');
        return running;
      },
    };
  };

  const roles = Array.from({ length: nodesPerRole }, () => ['gateway', 'sync'] as const).flat();
  const nodes = await Promise.all(roles.map(prepare));
  // The first gateway creates the keys that all nodes share.
  const [first, ...others] = nodes;
  await first?.start();
  await Promise.all(others.map((node) => node.start()));
  let turn = 0;
  return {
    nodes,
    next: (role) => {
      const candidates = nodes.filter((node) => node.role === role);
      const node = candidates[turn++ % candidates.length];
      if (!node) throw new Error(`there is no ${role}`);
      return node;
    },
  };
}

export interface PairingResult {
  /** The key that the phone holds. */
  readonly key: string;
  /** Pages that the user had to open. */
  readonly pages: number;
  readonly reconnects: number;
}

/** A user opens a page and pairs a phone, and retries until it succeeds. */
export async function pairWithRetries(
  cluster: NodeCluster,
  userId: string,
  password: string,
  phone: Phone,
): Promise<PairingResult> {
  let reconnects = 0;
  for (let pages = 1; pages <= 10; pages++) {
    const { pathname } = new URL(await vi.waitFor(() => newSession(cluster, userId), retryOptions));
    const page = openPage(() => `${cluster.next('sync').url}${pathname}`);
    // When the server ends the page's session, the user opens another page.
    const lost = page.paired.then(
      () => false,
      () => true,
    );
    let isLost = false;
    void lost.then((value) => {
      isLost = value;
    });
    const key = await vi.waitFor(
      () => (isLost ? undefined : pairFrom(cluster, page, password, phone)),
      retryOptions,
    );
    const isPaired = key !== undefined && !(await lost);
    page.close();
    // The final close is intended.
    reconnects += Math.max(0, page.closeCodes.length - 1);
    if (isPaired) return { key, pages, reconnects };
  }
  throw new Error(`${userId} has opened 10 pages in vain`);
}

/** Retries failures, each time with another node. */
const retryOptions = { timeout: 60_000, interval: 100 };

async function newSession(cluster: NodeCluster, userId: string): Promise<string> {
  const response = await fetch(`${cluster.next('gateway').url}/v2/sync/users/${userId}`, withTimeout());
  const text = await response.text();
  if (response.status !== 200) throw new Error(`new session: ${response.status} ${text}`);
  return text;
}

/** Scans the code of the page and sends each request to another gateway. */
async function pairFrom(cluster: NodeCluster, page: Page, password: string, phone: Phone): Promise<string> {
  const { pathname } = new URL(await page.shownUrl());
  const { publicKey } = await shakeHands(`${cluster.next('gateway').url}${pathname}`, phone);
  const { status, text } = await post(
    `${cluster.next('gateway').url}${pathname.replace(/\/handshake$/, '')}`,
    {
      password: encryptFor(publicKey, Buffer.from(password)).toString('base64'),
    },
  );
  if (status !== 200) throw new Error(`password: ${status} ${text}`);
  return decryptWith(phone.privateKey, Buffer.from(JSON.parse(text).shared_key, 'base64')).toString();
}

const withTimeout = () => ({ signal: AbortSignal.timeout(5_000) });

/** Kills a node as a power cut does, and restarts it. */
export async function killAndStart(node: Node): Promise<void> {
  node.process().kill('SIGKILL');
  await node.process().exit;
  await node.start();
}
