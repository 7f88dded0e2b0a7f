// Asks Sentinels who the master is. Used by connect.ts.

import { addressName, type RedisAddress } from '../../../config/store-url.ts';
import type { Clock } from '../../../domain/ports.ts';
import { SwobError } from '../../../errors.ts';
import { misconfigured, redisFailure, unavailable } from './failure.ts';
import { type NodeSettings, openNode, type RedisNode } from './node.ts';

/** Whether the master is still the one that we have is asked this often: it may be cut off from the Sentinels. */
const verifyMs = 10_000;

export interface SentinelOptions {
  readonly sentinels: readonly RedisAddress[];
  readonly masterName: string;
  /** As the Sentinels take it. */
  readonly settings: NodeSettings;
}

/**
 * The address of the master, by the first Sentinel that tells. Throws CONFIG when one refuses us, or when those that
 * answer know no such master, else UNAVAILABLE.
 */
export async function findMaster({
  sentinels,
  masterName,
  settings,
}: SentinelOptions): Promise<RedisAddress> {
  let failure: SwobError | undefined;
  for (const address of sentinels) {
    try {
      return await askSentinel(address, masterName, settings);
    } catch (error) {
      if (!(error instanceof SwobError)) throw error;
      // A refusal says more than a Sentinel that is away.
      if (failure?.code !== 'CONFIG') failure = error;
    }
  }
  throw failure ?? unavailable('no Sentinel', 'can be asked', 'name some in [store] url');
}

async function askSentinel(
  address: RedisAddress,
  masterName: string,
  settings: NodeSettings,
): Promise<RedisAddress> {
  const name = addressName(address);
  const sentinel = await openNode(address, 'sentinel', settings).catch((error: unknown) => {
    throw inSentinelsWords(name, error);
  });
  try {
    const answer: unknown = await sentinel.run(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName]);
    const [host, port]: unknown[] = Array.isArray(answer) ? answer : [];
    if (typeof host !== 'string') {
      throw misconfigured(name, `is a Sentinel that knows no master ${masterName}: mend [store] url`);
    }
    return { host, port: Number(port) };
  } catch (error) {
    const known = redisFailure(name, error);
    throw known instanceof SwobError ? known : misconfigured(name, `answers ${known.code}`);
  } finally {
    await sentinel.close();
  }
}

/** Sentinels have a password of their own. */
function inSentinelsWords(name: string, error: unknown): unknown {
  if (!(error instanceof SwobError) || error.code !== 'CONFIG' || !/password/.test(error.message))
    return error;
  return misconfigured(
    name,
    'is a Sentinel that refuses our password: mend [store] sentinel_password',
    error,
  );
}

/** Gives the connection up when the Sentinels have made another server the master. */
export function watchMaster(
  node: RedisNode,
  address: RedisAddress,
  options: SentinelOptions & { readonly clock: Clock },
): void {
  const look = async (): Promise<void> => {
    const now = await findMaster(options).catch(() => undefined);
    if (now && addressName(now) !== addressName(address)) {
      node.drop(
        unavailable(node.name, 'is no longer the master', `the Sentinels say ${addressName(now)} is`),
      );
    }
  };
  const stop = options.clock.every(verifyMs, () => void look());
  void node.lost.then(stop);
}
