// Gateways that share a store must have one key pair: a phone may shake hands with one and send its password to
// another. Used by gateway.ts.

import type { Config } from '../../config/schema.ts';
import { sha256Hex } from '../../crypto/random.ts';
import type { ServerKeys, Store } from '../../domain/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { World } from './world.ts';

/** Throws CONFIG when the others have another pair. While the store is away nobody can tell. */
export async function requireCommonKeys(
  { security, store: { prefix } }: Config,
  { log }: World,
  store: Pick<Store, 'agree'>,
  keys: ServerKeys,
): Promise<void> {
  if (!store.agree) return;
  const mine = sha256Hex(Buffer.from(keys.publicKeyPem));
  let agreed: string;
  try {
    agreed = await store.agree('server-key', mine);
  } catch (error) {
    log.warn(
      { reason: messageOf(error) },
      'whether this gateway has the key pair of the others cannot be told now',
    );
    return;
  }
  if (agreed === mine) return;
  throw new SwobError(
    'CONFIG',
    `the key pair ${security.private_key_filepath} is not the one of the gateways that share the store: copy both ` +
      `key files of [security] from one of them; to change the pair of all, stop them and delete ${prefix}:agreed:server-key in Redis`,
  );
}
