// Checks that each upstream system accepts a connection, and how fast. Used by `swob doctor`.

import { messageOf } from '../../errors.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import type { ServiceName } from '../compose/context.ts';

export interface Upstream {
  /** `Publisher` */
  readonly name: string;
  /** The service that calls it. */
  readonly service: ServiceName;
  readonly host: string;
  readonly port: number;
  /** The configuration section or key that sets its address. */
  readonly key: string;
  /** What does not work while it is unreachable. */
  readonly consequence: string;
  /** Whether others take its place. */
  readonly isOneOfSeveral?: boolean;
}

const slowMs = 1_000;

/** `connect` opens and closes a connection, and resolves to the milliseconds that this took. */
export async function checkUpstream(upstream: Upstream, connect: () => Promise<number>): Promise<Finding> {
  const { name, host, port, key, consequence, isOneOfSeveral = false } = upstream;
  try {
    const ms = Math.round(await connect());
    const detail = `${host}:${port} in ${ms} ms`;
    return ms <= slowMs
      ? ok(name, detail)
      : warn(name, `${detail}, which is slow`, 'check the network between this machine and it');
  } catch (error) {
    const report = isOneOfSeveral ? warn : fail;
    return report(
      name,
      `unreachable (${messageOf(error)}): ${consequence}`,
      `start it, correct ${key}, or open the firewall`,
    );
  }
}
