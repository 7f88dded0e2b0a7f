// Three nodes of the real binary with gateway and sync, which share a real Redis, behind a real balancer.

import { vi } from 'vitest';
import type { NodePorts, PreparedBalancer } from '../support/balancer-file.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { freePorts } from '../support/ports.ts';
import { onEnd } from '../support/teardown.ts';
import { createInstallation } from './installation.ts';

/** Reports when the balancer knows which nodes are available. */
export interface Serving {
  serves(backend: 'gateway' | 'sync', names: readonly string[]): Promise<void>;
}

export interface BalancedNodes<B extends Serving = Serving> {
  /** The base URL for phones and pages. */
  readonly gateway: string;
  readonly nodes: readonly Node[];
  readonly balancer: B;
  /** Resolves when all nodes receive requests. */
  allServing(): Promise<void>;
}

interface Node {
  /** Its name at the balancer: `node1`. */
  readonly name: string;
  /** Its direct URL: `http://127.0.0.1:40001`. */
  readonly url: string;
  /** Sends the signal and waits for the exit. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
}

export const password = 'secret';

export interface BalancedNodesOptions<B = Serving> {
  readonly prepare: (folder: string, nodes: readonly NodePorts[]) => Promise<PreparedBalancer<B>>;
  /** URL of the Redis. */
  readonly store: string;
  /** Known users. */
  readonly userIds: readonly string[];
  /** `section.key=value` each. */
  readonly set?: readonly string[];
}

export async function startBalancedNodes<B extends Serving>(
  options: BalancedNodesOptions<B>,
): Promise<BalancedNodes<B>> {
  const { prepare, store, userIds, set = [] } = options;
  const { folder } = await createInstallation({ passwords: new Map(userIds.map((id) => [id, password])) });
  const ports = await freePorts(9);
  const portsOf = (index: number): NodePorts => ({
    gateway: ports[index] ?? 0,
    sync: ports[index + 3] ?? 0,
    disconnect: ports[index + 6] ?? 0,
  });
  const prepared = await prepare(folder, [0, 1, 2].map(portsOf));
  // No certificate authority of this machine signed the certificate.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onEnd(() => void vi.unstubAllEnvs());

  const common = [
    `store.url=${store}`,
    'api.trusted_proxies=127.0.0.1',
    `api.public_url=${prepared.gateway}`,
    `websocket.public_url=${prepared.sync}`,
    ...set,
  ];
  const nodeOf = (index: number): Node => {
    const { gateway, sync } = portsOf(index);
    const own = [`api.port=${gateway}`, `websocket.port=${sync}`];
    let running: RunningProcess | undefined;
    const process = (): RunningProcess => {
      if (!running) throw new Error('the node has not been started');
      return running;
    };
    return {
      name: `node${index + 1}`,
      url: `http://127.0.0.1:${gateway}`,
      kill: async (signal) => {
        process().kill(signal);
        await process().exit;
      },
      start: async () => {
        const args = [...common, ...own].flatMap((pair) => ['--set', pair]);
        // One folder, so that the nodes share the files of [security].
        running = await startSwob(['serve', 'gateway', 'sync', ...args], { cwd: folder });
      },
    };
  };
  const nodes = [0, 1, 2].map(nodeOf);
  // Start it immediately, because its ports were free a moment ago.
  const balancer = await prepared.start();
  // The first node creates the keys.
  await nodes[0]?.start();
  await Promise.all(nodes.slice(1).map((node) => node.start()));
  const allServing = async (): Promise<void> => {
    const names = nodes.map(({ name }) => name);
    await Promise.all([balancer.serves('gateway', names), balancer.serves('sync', names)]);
  };
  await allServing();
  return { gateway: prepared.gateway, nodes, balancer, allServing: allServing };
}
