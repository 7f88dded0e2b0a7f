// The user management API: checks a user's password and fetches the platforms. Used by pairing.

import type { Authentication, Platform, UserApi } from '../domain/pairing/ports.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { isObject, tryParseJson } from '../lib/json.ts';
import { type ApiEndpoint, createApiClient, failedAt } from './api-client.ts';
import { createCookieJar } from './cookie-jar.ts';

const maxBodyBytes = 1024 * 1024;

export interface UserApiOptions {
  /** Prefix of the platforms' logos. */
  readonly apiUrl: string;
  /** `%s` stands for the user id, here and below. */
  readonly verificationUrl: string;
  readonly platformsUrl: string;
  /** Milliseconds for each of the two responses, including the body. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'now' | 'after' | 'every'>;
}

/** A client of the user management API with a cookie jar for each call. */
export function createUserApi(options: UserApiOptions): UserApi {
  const call = createApiClient(options.clock);
  const targetAt = (template: string, user: string): ApiEndpoint => ({
    system: 'user management API',
    url: template.replace('%s', user),
    timeoutMs: options.timeoutMs,
    maxBodyBytes,
  });

  return {
    authenticate: async (userId, password): Promise<Authentication> => {
      const user = pathSegment(userId);
      if (user === undefined) return { kind: 'refused' };
      const cookies = createCookieJar(() => options.clock.now());
      const verification = await call(targetAt(options.verificationUrl, user), { password }, cookies);
      if (verification.kind !== 'accepted') return verification;
      const platforms = targetAt(options.platformsUrl, user);
      const response = await call(platforms, undefined, cookies);
      if (response.kind === 'failed') return response;
      // The password was correct, so this must not count as a wrong guess.
      if (response.kind === 'refused')
        return failedAt(platforms, `it answered ${response.status} after the password was accepted`);
      const saved = savedPlatforms(response.text);
      if (typeof saved === 'string') return failedAt(platforms, saved);
      const withLogos = saved.map((platform) =>
        typeof platform.logo === 'string'
          ? { ...platform, logo: `${options.apiUrl}${platform.logo}` }
          : platform,
      );
      return { kind: 'accepted', platforms: withLogos };
    },
  };
}

/** The platforms in the body of a response, or what is wrong with it. */
function savedPlatforms(text: string): Platform[] | string {
  const json = tryParseJson(text);
  if (json === undefined) return 'its response is not JSON';
  const saved = isObject(json) ? json.saved_platforms : undefined;
  if (!Array.isArray(saved)) return 'its response has no list saved_platforms';
  return saved.every(isObject) ? saved : 'its saved_platforms are not all objects';
}

/** A user id as one path segment; undefined for an id that would change the path. */
function pathSegment(userId: string): string | undefined {
  if (/^\.{0,2}$/.test(userId)) return undefined;
  try {
    return encodeURIComponent(userId);
  } catch {
    // A lone surrogate.
    return undefined;
  }
}
