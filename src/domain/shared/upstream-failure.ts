// The failure of a system around swob, as ports return it. Used by the ports of the capabilities and their adapters.

import { SwobError } from '../../errors.ts';

/** A system was unreachable, took too long, or sent an unexpected response. Contains no secret. */
export interface UpstreamFailure {
  readonly kind: 'failed';
  /** For operators: names the system and its URL. */
  readonly reason: string;
  /** For clients. */
  readonly publicReason: string;
}

/** The same as an error: UPSTREAM. */
export function upstreamError({ reason, publicReason }: UpstreamFailure): SwobError {
  return new SwobError('UPSTREAM', reason, { publicMessage: publicReason });
}
