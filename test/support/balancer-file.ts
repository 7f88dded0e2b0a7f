// A file of confs/balancer adapted to a test: only addresses, ports and paths are replaced. Used by haproxy.ts and
// nginx.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';
import { freePorts } from './ports.ts';

export interface NodePorts {
  readonly gateway: number;
  readonly sync: number;
  readonly disconnect: number;
}

/** The URLs, which the nodes need before they start; `B` is the running balancer. */
export interface PreparedBalancer<B> {
  /** `https://127.0.0.1:40001` */
  readonly gateway: string;
  /** `wss://127.0.0.1:40002` */
  readonly sync: string;
  /** `http://127.0.0.1:40003` */
  readonly disconnect: string;
  /** Resolves when it serves; it ends with the test. */
  start(): Promise<B>;
}

/** Texts of the file with their replacements. */
export type Exchange = readonly [printed: string, here: string];

interface Here {
  readonly file: string;
  readonly gateway: string;
  readonly sync: string;
  readonly disconnect: string;
}

/**
 * Writes `confs/balancer/<name>` into the folder, with the nodes in place of node1, node2 and node3. `own` gets the
 * free ports to listen on and the certificate with its key in one file. Throws when the file lacks a text that is to be
 * replaced.
 */
export async function writeBalancerFile(
  folder: string,
  name: string,
  nodes: readonly NodePorts[],
  own: (ports: NodePorts, pem: string) => readonly Exchange[],
): Promise<Here> {
  const [gateway = 0, sync = 0, disconnect = 0] = await freePorts(3);
  const { crt, key } = makeCertificate(folder, 'balancer', 90, '127.0.0.1');
  const pem = join(folder, 'balancer.pem');
  writeFileSync(pem, readFileSync(crt, 'utf8') + readFileSync(key, 'utf8'));
  const ofNodes = nodes.flatMap((ports, index): Exchange[] => [
    [`10.0.0.1${index + 1}:6969`, `127.0.0.1:${ports.gateway}`],
    [`10.0.0.1${index + 1}:6996`, `127.0.0.1:${ports.sync}`],
    [`10.0.0.1${index + 1}:9096`, `127.0.0.1:${ports.disconnect}`],
  ]);
  let text = readFileSync(join('confs', 'balancer', name), 'utf8');
  for (const [printed, here] of [...ofNodes, ...own({ gateway, sync, disconnect }, pem)]) {
    if (!text.includes(printed)) throw new Error(`${name} does not say ${printed}`);
    text = text.replaceAll(printed, here);
  }
  const file = join(folder, name);
  writeFileSync(file, text);
  return {
    file,
    gateway: `https://127.0.0.1:${gateway}`,
    sync: `wss://127.0.0.1:${sync}`,
    disconnect: `http://127.0.0.1:${disconnect}`,
  };
}
