// Sends SMS of swob itself through the gateway phones of a developer. Used by the schedule of reliability tests.

import type { Addressing } from './addressing.ts';
import { sendAll } from './dispatch.ts';
import type { Broker } from './ports.ts';

/**
 * - `sent`: the broker has it in a queue
 * - `unconfirmed`: it may have been sent
 * - `not sent`: for a reason that operators can read
 */
type OwnSmsResult =
  | { readonly kind: 'sent' | 'unconfirmed' }
  | { readonly kind: 'not sent'; readonly reason: string };

/** Sends a text to a number in E.164 format. Never rejects for a broker that fails. */
export type SendOwnSms = (authId: string, number: string, text: string) => Promise<OwnSmsResult>;

export function createOwnSmsSender(broker: Broker, addressing: Addressing): SendOwnSms {
  return async (authId, number, text) => {
    const addressed = await addressing.address(authId, { number, text });
    const [dispatched] = await sendAll({ broker, beforeBatch: async () => {} }, [addressed]);
    if (dispatched?.kind === 'sent' || dispatched?.kind === 'unconfirmed') return { kind: dispatched.kind };
    return { kind: 'not sent', reason: dispatched?.failure ?? 'no outcome' };
  };
}
