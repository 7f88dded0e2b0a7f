// Three nodes of the real binary with gateway and sync, which share a real Redis, behind a real balancer.

import { onTestFinished, vi } from 'vitest';
import type { NodePorts, PreparedBalancer } from '../support/balancer-file.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { freePorts } from '../support/ports.ts';
import { createWorld } from './world.ts';

/** A balancer can say when it knows who is there. */
interface Serving {
  serves(backend: 'gateway' | 'sync', names: readonly string[]): Promise<void>;
}

export interface ManyNodes<B extends Serving = Serving> {
  /** What phones and pages call. */
  readonly gateway: string;
  readonly nodes: readonly Node[];
  readonly balancer: B;
  /** Resolves when all nodes get requests. */
  whole(): Promise<void>;
}

interface Node {
  /** As the balancer calls it: `node1`. */
  readonly name: string;
  /** Of its own: `http://127.0.0.1:40001`. */
  readonly url: string;
  /** Ends it by the signal and waits for that. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
}

export const password = 'secret';

export interface ManyNodesOptions<B = Serving> {
  readonly prepare: (folder: string, nodes: readonly NodePorts[]) => Promise<PreparedBalancer<B>>;
  /** URL of the Redis. */
  readonly store: string;
  /** The users that there are. */
  readonly userIds: readonly string[];
  /** `section.key=value` each. */
  readonly set?: readonly string[];
}

export async function startManyNodes<B extends Serving>(options: ManyNodesOptions<B>): Promise<ManyNodes<B>> {
  const { prepare, store, userIds, set = [] } = options;
  const { folder } = await createWorld({ passwords: new Map(userIds.map((id) => [id, password])) });
  const ports = await freePorts(9);
  const portsOf = (index: number): NodePorts => ({
    gateway: ports[index] ?? 0,
    sync: ports[index + 3] ?? 0,
    disconnect: ports[index + 6] ?? 0,
  });
  const prepared = await prepare(folder, [0, 1, 2].map(portsOf));
  // The certificate is of nobody that this machine knows.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());

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
      end: async (signal) => {
        process().kill(signal);
        await process().exit;
      },
      start: async () => {
        const args = [...common, ...own].flatMap((pair) => ['--set', pair]);
        // One folder: they have the files of [security] in common.
        running = await startSwob(['serve', 'gateway', 'sync', ...args], { cwd: folder });
      },
    };
  };
  const nodes = [0, 1, 2].map(nodeOf);
  // At once: its ports were free a moment ago.
  const balancer = await prepared.start();
  // The first one makes the keys.
  await nodes[0]?.start();
  await Promise.all(nodes.slice(1).map((node) => node.start()));
  const whole = async (): Promise<void> => {
    const names = nodes.map(({ name }) => name);
    await Promise.all([balancer.serves('gateway', names), balancer.serves('sync', names)]);
  };
  await whole();
  return { gateway: prepared.gateway, nodes, balancer, whole };
}
