// Password claims in Redis: a key for each ciphertext, with the fingerprint of the phone's key that it is bound to.

import type { PasswordClaims } from '../../domain/pairing/ports.ts';
import { type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

const claimTtlMs = 3_600_000;

export function createRedisPasswordClaims(
  redis: ScriptRunner,
  keys: KeySpace,
  now: NowArgument,
): PasswordClaims {
  return {
    claim: async (digest, fingerprint) =>
      (await redis.run(claim, [keys.single('claim', digest)], [now(), claimTtlMs, fingerprint])) === 1,
  };
}

const claim = timedScript(
  'claim password',
  1,
  `
local held = redis.call('GET', KEYS[1])
if held then
  local untilMs, owner = string.match(held, '^(%d+) (.*)$')
  if tonumber(untilMs) > now then return owner == ARGV[3] and 1 or 0 end
end
redis.call('SET', KEYS[1], text(now + ARGV[2]) .. ' ' .. ARGV[3], 'PX', ARGV[2])
return 1`,
);
