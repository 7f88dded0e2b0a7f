// Runs the built daemon for as long as it takes to read what it says about itself. Used by pages.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const services = ['gateway', 'sync', 'disconnect'];

export interface Operation {
  readonly summary: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, unknown>> }>
  >;
}

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export interface OpenApi {
  readonly info: { readonly title: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Services {
  /** OpenAPI documents of the services that have one. */
  readonly documents: readonly OpenApi[];
  /** What Prometheus reads, once there was a request. */
  readonly metrics: string;
}

/** Starts gateway, sync and disconnect service from `bin/swob` on free ports, and stops them. */
export async function readServices(): Promise<Services> {
  const folder = mkdtempSync(join(tmpdir(), 'swob-docs-'));
  try {
    return await runServices(folder, readFromServices);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Urls {
  readonly gateway: string;
  readonly disconnect: string;
}

async function readFromServices({ gateway, disconnect }: Urls): Promise<Services> {
  const documents: OpenApi[] = [];
  for (const url of [gateway, disconnect])
    documents.push(JSON.parse(await textOf(`${url}/docs/json`)) as OpenApi);
  // Requests are counted when they end, and have no series before the first one.
  await textOf(`${gateway}/seeds`);
  return { documents, metrics: await textOf(`${gateway}/metrics`) };
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

async function runServices<T>(folder: string, work: (urls: Urls) => Promise<T>): Promise<T> {
  const key = join(folder, 'public.pem');
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const settings = [
    'api.port=0',
    'websocket.port=0',
    'disconnect.host=127.0.0.1',
    'disconnect.port=0',
    `validation.public_key=${key}`,
    // Opens no connection to the PCRF, whose default port may be in use.
    'pcrf.pool.min=0',
    // Nothing listens there: the metrics of outgoing SMS exist with a broker only.
    'broker.url=amqp://swob:none@127.0.0.1:1',
  ];
  const ready = join(folder, 'ready.json');
  const args = ['serve', ...services, '--ready-file', ready];
  for (const setting of settings) args.push('--set', setting);
  const child = spawn(process.execPath, [resolve('bin/swob'), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  try {
    await sawReady(child);
    const urls = JSON.parse(readFileSync(ready, 'utf8')) as Record<keyof Urls, { url: string }>;
    return await work({ gateway: urls.gateway.url, disconnect: urls.disconnect.url });
  } finally {
    child.kill('SIGTERM');
    await exit;
  }
}

/** Resolves when the daemon has printed that its last service is ready; rejects when it ends before. */
function sawReady(child: ChildProcess): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output += String(chunk);
        if (services.every((name) => output.includes(`${name} ready at`))) resolve();
      });
    child.once('close', () => reject(new Error(`swob serve ended early:\n${output}`)));
  });
}
