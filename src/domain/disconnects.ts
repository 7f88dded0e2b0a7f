// Logging a Wi-Fi user out with a signed token: check, look inside, ask the PCRF. Used by the disconnect
// service.

import { sha256Hex } from '../crypto/random.ts';
import { SwobError } from '../errors.ts';
import { limited, takeAll } from './limiting.ts';
import type { RateLimit } from './model.ts';
import type { Caller, Clock, FlightStore, LimitStore, Log, TokenVerifier } from './ports.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Pcrf } from './upstreams.ts';
import { type WifiSessionRules, wifiSessionOf } from './wifi-session.ts';

export interface Disconnects {
  /**
   * Logs out the session that the token names. The same token at once is one call.
   * Throws UNAUTHENTICATED, LIMITED, UPSTREAM, TIMEOUT, UNAVAILABLE; messages never hold the token.
   */
  disconnect(token: string, caller: Caller): Promise<void>;
}

export interface DisconnectsDeps {
  readonly verifier: TokenVerifier;
  readonly pcrf: Pcrf;
  readonly rules: WifiSessionRules;
  readonly limits: LimitStore;
  /** Calls from an address. */
  readonly callLimit: RateLimit;
  /** Undefined: no other process has the same store. */
  readonly flights: FlightStore | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Different tokens at work at once; the pool of the PCRF is far smaller. */
const maxInFlight = 10_000;

export function createDisconnects(deps: DisconnectsDeps): Disconnects {
  const { verifier, pcrf, rules, limits, callLimit, flights, clock } = deps;
  const inFlight = createSingleFlight<'done'>({
    name: 'disconnect',
    flights,
    clock,
    log: deps.log,
    read: (value) => (value === 'done' ? value : undefined),
  });

  const logOut = async (token: string, log: Log): Promise<'done'> => {
    const session = wifiSessionOf(verifier.verify(token), rules);
    const { sessionId, nasIp, vrf } = session;
    try {
      await pcrf.disconnect(session);
    } catch (error) {
      log.warn(
        { sessionId, nasIp, vrf, code: error instanceof SwobError ? error.code : 'INTERNAL' },
        'not logged out',
      );
      throw error;
    }
    log.info({ sessionId, nasIp, vrf }, 'logged out');
    return 'done';
  };

  return {
    disconnect: async (token, { address, log }) => {
      const refused = await takeAll(limits, [`disconnect:address:${address}`], callLimit);
      if (refused) throw limited('disconnects', refused.seconds);

      const key = sha256Hex(Buffer.from(token));
      if (!inFlight.has(key) && inFlight.size >= maxInFlight) {
        throw new SwobError('UNAVAILABLE', 'too many disconnects at once, try again', { retryAfter: 1 });
      }
      await inFlight.run(key, () => logOut(token, log));
    },
  };
}
