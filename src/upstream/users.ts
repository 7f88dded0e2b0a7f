// The user management API: checks a user's password and fetches the platforms. Used by pairing.

import type { Platform, UserApi } from '../domain/upstreams.ts';
import { createCall, createCookies, failure, isObject, jsonIn, type Target } from './cookie-call.ts';

const maxBodyBytes = 1024 * 1024;

export interface UserApiOptions {
  /** Stands before the platforms' logos. */
  readonly apiUrl: string;
  /** `%s` is the user id, here and below. */
  readonly verificationUrl: string;
  readonly platformsUrl: string;
  /** Milliseconds for each of the two answers, body included. */
  readonly timeoutMs: number;
}

/** A client of the user management API; each call has cookies of its own. */
export function createUserApi(options: UserApiOptions): UserApi {
  const call = createCall();
  const targetAt = (template: string, user: string): Target => ({
    system: 'user management API',
    url: template.replace('%s', user),
    timeoutMs: options.timeoutMs,
    maxBodyBytes,
  });

  return {
    authenticate: async (userId, password) => {
      const user = pathSegment(userId);
      if (user === undefined) return undefined;
      const cookies = createCookies();
      const verification = await call(targetAt(options.verificationUrl, user), { password }, cookies);
      if (verification.refused) return undefined;
      const platforms = targetAt(options.platformsUrl, user);
      const { text } = await call(platforms, undefined, cookies);
      if (text === undefined) return undefined;
      return savedPlatforms(platforms, text).map((platform) =>
        typeof platform.logo === 'string'
          ? { ...platform, logo: `${options.apiUrl}${platform.logo}` }
          : platform,
      );
    },
  };
}

function savedPlatforms(target: Target, text: string): Platform[] {
  const json = jsonIn(target, text);
  const saved = isObject(json) ? json.saved_platforms : undefined;
  if (!Array.isArray(saved)) throw failure(target, 'its answer has no list saved_platforms');
  if (!saved.every(isObject)) throw failure(target, 'its saved_platforms are not all objects');
  return saved;
}

/** A user id as one segment of a path; undefined for what would name another path. */
function pathSegment(userId: string): string | undefined {
  if (/^\.{0,2}$/.test(userId)) return undefined;
  try {
    return encodeURIComponent(userId);
  } catch {
    // A lone surrogate.
    return undefined;
  }
}
