// A real RabbitMQ with its management API: a separate node on free ports, with its own epmd and data in a
// temporary folder, ended by its pid.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, vi } from 'vitest';
import { endChild, freezeProcess } from './children.ts';
import { type Need, needs } from './needs.ts';
import { freePorts } from './ports.ts';
import { onWorkerEnd } from './worker-end.ts';

/** Not the script on the PATH, which changes the user and stores data in /var. */
const scripts = '/usr/lib/rabbitmq/bin';
const rabbitNeeds: readonly Need[] = [{ command: `${scripts}/rabbitmq-server` }, { command: 'epmd' }];
const startMs = 45_000;

export interface Rabbit {
  /** `amqp://guest:guest@127.0.0.1:40001`; guest is an administrator. */
  readonly url: string;
  /** `http://127.0.0.1:40002` */
  readonly managementUrl: string;
  readonly host: string;
  readonly port: number;
  /** Freezes the node: its sockets stay open, but it does not respond. */
  freeze(): void;
  thaw(): void;
  /** Flushes the list of queues, which RabbitMQ stores late: without it `kill` loses queues of the last seconds. */
  flushQueueList(): Promise<void>;
  /** Kills the node, also a frozen one, like a power cut. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data; kills it first when it runs. */
  restart(): Promise<void>;
  /** Runs rabbitmqctl; resolves to what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Calls the management API as guest; resolves to its response as JSON, undefined when it has no body. */
  manage(method: string, path: string, body?: object): Promise<unknown>;
}

let running: Promise<Started> | undefined;

/**
 * A broker for all tests of a file, empty at its start. Each of them is skipped, or fails under CI=true, where there is
 * none. A worker starts one and keeps it for its next files: a start takes 4 s of CPU time.
 */
export function rabbitForFile(): () => Rabbit {
  let started: Started | undefined;
  beforeAll(async () => {
    if (!existsSync(`${scripts}/rabbitmq-server`)) return;
    if (!running) {
      running = start();
      running.catch(() => {
        running = undefined;
      });
    }
    started = await running;
    await started.empty();
  });
  beforeEach((context) => needs(context, ...rabbitNeeds));
  return () => {
    if (!started) throw new Error('RabbitMQ is not running');
    return started;
  };
}

interface Started extends Rabbit {
  /** Starts it when it does not run, and removes all queues and messages. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

async function start(): Promise<Started> {
  // Another process may take a port between its choice and its use.
  for (let attempt = 1; ; attempt += 1) {
    const rabbit = await prepare();
    try {
      await rabbit.restart();
      onWorkerEnd(rabbit.end);
      return rabbit;
    } catch (error) {
      await rabbit.stop();
      if (attempt === 3) throw error;
    }
  }
}

async function prepare(): Promise<Started & { end(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'swob-rabbit-'));
  const [port = 0, managementPort = 0, distributionPort = 0, epmdPort = 0] = await freePorts(4);
  const managementUrl = `http://127.0.0.1:${managementPort}`;
  // As Erlang terms: the translation of a rabbitmq.conf takes most of a second of CPU time.
  writeFileSync(
    join(folder, 'rabbitmq.config'),
    `[{rabbit, [{tcp_listeners, [{"127.0.0.1", ${port}}]}]},
      {rabbitmq_management, [{tcp_config, [{ip, "127.0.0.1"}, {port, ${managementPort}}]}]}].`,
  );
  writeFileSync(join(folder, 'enabled_plugins'), '[rabbitmq_management].');
  const env = {
    PATH: process.env.PATH,
    // Holds the cookie that rabbitmqctl authenticates with.
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `swob-${process.pid}-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'db'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
  };
  const serverEnv = {
    ...env,
    ...fewPlugins(folder),
    // Few threads, which start in three quarters of the CPU time.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +SDcpu 1:1 +SDio 1 +A 1',
    // The node replaces the script's process, so the known pid is the node's.
    RUNNING_UNDER_SYSTEMD: 'true',
  };

  const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { stdio: 'ignore' });
  let node: ChildProcess | undefined;

  const manage: Rabbit['manage'] = async (method, path, body) => {
    const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    const response = await fetch(`${managementUrl}/api/${path}`, {
      method,
      headers: { authorization },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  const kill = async (): Promise<void> => {
    await endChild(node);
    node = undefined;
  };

  const restart = async (): Promise<void> => {
    await kill();
    let output = '';
    const child = spawn(`${scripts}/rabbitmq-server`, [], { cwd: folder, env: serverEnv });
    node = child;
    child.stdout.on('data', (text) => {
      output += String(text);
    });
    child.stderr.on('data', (text) => {
      output += String(text);
    });
    await vi.waitFor(
      async () => {
        // Resolves, as further waiting is useless.
        if (child.exitCode !== null) return;
        // Listeners come last.
        const { listeners }: { listeners?: { protocol: string }[] } = Object(await manage('GET', 'overview'));
        if (!listeners?.some(({ protocol }) => protocol === 'amqp')) throw new Error('not yet');
      },
      { timeout: startMs, interval: 50 },
    );
    if (child.exitCode !== null) throw new Error(`RabbitMQ ended with ${child.exitCode}:\n${output}`);
  };

  const ctl: Rabbit['ctl'] = async (...args) =>
    (await promisify(execFile)(`${scripts}/rabbitmqctl`, args, { env })).stdout;

  const empty = async (): Promise<void> => {
    node?.kill('SIGCONT');
    if (!node) await restart();
    // Safe cast: so the management API lists them.
    const users = (await manage('GET', 'users')) as { name: string }[];
    for (const { name } of users)
      if (name !== 'guest') await manage('DELETE', `users/${encodeURIComponent(name)}`);
    const vhosts = (await manage('GET', 'vhosts')) as { name: string }[];
    for (const { name } of vhosts) await manage('DELETE', `vhosts/${encodeURIComponent(name)}`);
    await manage('PUT', 'vhosts/%2F', {});
    await manage('PUT', 'permissions/%2F/guest', { configure: '.*', write: '.*', read: '.*' });
  };

  return {
    empty,
    end: () => {
      for (const child of [node, epmd]) child?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl,
    host: '127.0.0.1',
    port,
    freeze: () => void (node && freezeProcess(node)),
    thaw: () => void node?.kill('SIGCONT'),
    kill,
    restart,
    manage,
    ctl,
    flushQueueList: async () => void (await ctl('eval', 'mnesia:sync_log().')),
    stop: async () => {
      await kill();
      await endChild(epmd);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A home of RabbitMQ with only the plugins that the management API needs: the node looks through every one of them
 * when it starts, which takes it two seconds.
 */
function fewPlugins(folder: string): Record<string, string> {
  const home = dirname(dirname(realpathSync(`${scripts}/rabbitmq-server`)));
  const plugins = join(folder, 'home', 'plugins');
  mkdirSync(plugins, { recursive: true });
  symlinkSync(join(home, 'sbin'), join(folder, 'home', 'sbin'));
  for (const name of readdirSync(join(home, 'plugins'))) {
    if (/^rabbitmq_(?!prelaunch|management(_agent)?-|web_dispatch)/.test(name)) continue;
    symlinkSync(join(home, 'plugins', name), join(plugins, name));
  }
  return { RABBITMQ_SCRIPTS_DIR: join(folder, 'home', 'sbin'), RABBITMQ_PLUGINS_DIR: plugins };
}
