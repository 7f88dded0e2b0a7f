// Checks that configured host names resolve, where no other check connects to them. Used by `swob doctor`.

import { isIP } from 'node:net';
import { messageOf } from '../../errors.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';

export interface ConfiguredHostname {
  /** `Graylog` */
  readonly check: string;
  readonly host: string;
  /** `[logging] gelf_host` */
  readonly key: string;
  /** What does not work while it does not resolve. */
  readonly consequence: string;
  /** Clients resolve the name, and may be able to when this machine is not. */
  readonly resolvedByClients?: boolean;
}

/** `lookUp` resolves to an address, and rejects when there is none. */
export async function checkHostname(
  { check, host, key, consequence, resolvedByClients }: ConfiguredHostname,
  lookUp: (host: string) => Promise<string>,
): Promise<Finding> {
  if (isIP(host) !== 0) return ok(check, `${host} is an address`);
  try {
    return ok(check, `${host} resolves to ${await lookUp(host)}`);
  } catch (error) {
    const createFinding = resolvedByClients ? warn : fail;
    return createFinding(
      check,
      `${host} does not resolve (${messageOf(error)}): ${consequence}`,
      `correct ${key}, or the DNS server of this machine`,
    );
  }
}
