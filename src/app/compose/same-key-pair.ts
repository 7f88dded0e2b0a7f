// Gateways that share a store must have the same key pair, because a phone may send its handshake to one and its
// password to another. Used by gateway.ts.

import type { Config } from '../../config/schema.ts';
import { sha256Hex } from '../../crypto/random.ts';
import type { ServerKeys } from '../../domain/pairing/ports.ts';
import type { Store } from '../../domain/store.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { AppContext } from './context.ts';
import { storeAdapterOf } from './store-adapters.ts';

/** Throws CONFIG when the other gateways have a different pair; only logs a warning while the store is unreachable. */
export async function requireSameKeyPair(
  config: Config,
  { log }: AppContext,
  store: Pick<Store, 'shared'>,
  keys: ServerKeys,
): Promise<void> {
  if (!store.shared) return;
  const ownFingerprint = sha256Hex(Buffer.from(keys.publicKeyPem));
  let agreedFingerprint: string;
  try {
    agreedFingerprint = await store.shared.agreeOn('server-key', ownFingerprint);
  } catch (error) {
    log.warn(
      { reason: messageOf(error) },
      'cannot check now whether this gateway has the same key pair as the others',
    );
    return;
  }
  if (agreedFingerprint === ownFingerprint) return;
  throw new SwobError('CONFIG', differenceIn(config));
}

function differenceIn(config: Config): string {
  const file = config.security.private_key_filepath;
  // The others are workers of the same daemon, which a reload replaces one after the other.
  if (!storeAdapterOf(config).isShared)
    return `the key pair ${file} has changed: restart the service to use it`;
  return (
    `the key pair ${file} differs from that of the other gateways that share the store: copy both ` +
    `key files of [security] from one of them; to change the pair of all gateways, stop them and delete ${config.store.prefix}:agreed:server-key in Redis`
  );
}
