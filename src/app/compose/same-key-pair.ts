// Gateways that share a store must have the same key pair, because a phone may send its handshake to one and its
// password to another. Used by gateway.ts.

import type { Config } from '../../config/schema.ts';
import { sha256Hex } from '../../crypto/random.ts';
import type { ServerKeys } from '../../domain/pairing/ports.ts';
import type { Store } from '../../domain/store.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { AppContext } from './context.ts';

/** Throws CONFIG when the other gateways have a different pair; only logs a warning while the store is unreachable. */
export async function requireSameKeyPair(
  { security, store: { prefix } }: Config,
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
  throw new SwobError(
    'CONFIG',
    `the key pair ${security.private_key_filepath} differs from that of the other gateways that share the store: copy both ` +
      `key files of [security] from one of them; to change the pair of all gateways, stop them and delete ${prefix}:agreed:server-key in Redis`,
  );
}
