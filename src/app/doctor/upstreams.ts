// The systems around: whether each can be reached, how fast, and what time it is there. Used by `swob doctor`.

import { messageOf } from '../../errors.ts';
import type { ServiceName } from '../compose/world.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

export interface Upstream {
  /** `Publisher` */
  readonly name: string;
  /** Whose it is. */
  readonly service: ServiceName;
  readonly host: string;
  readonly port: number;
  /** Key of the configuration that names it. */
  readonly key: string;
  /** What does not work without it. */
  readonly without: string;
}

const slowMs = 1_000;

/** `connect` opens and closes a connection; throws with the reason. @returns with the milliseconds that it took */
export async function checkUpstream(upstream: Upstream, connect: () => Promise<number>): Promise<Finding> {
  const { name, host, port, key, without } = upstream;
  try {
    const ms = Math.round(await connect());
    const detail = `${host}:${port} in ${ms} ms`;
    return ms <= slowMs ? ok(name, detail) : warn(name, `${detail}: slow`, 'look at the network between');
  } catch (error) {
    return fail(
      name,
      `unreachable: ${messageOf(error)}: ${without}`,
      `start it, or mend ${key} or a firewall between`,
    );
  }
}
