// Lua scripts of the Redis store: every change of more than one key is one script, and so is atomic. Used by the
// other files of this folder.

import type { RedisClient, RedisScript } from '../../redis/connect.ts';

/** Runs scripts. */
export interface ScriptRunner {
  /** Resolves to the reply of Redis. Throws UNAVAILABLE. */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** The same, after as many replicas as the configuration requires have the write. */
  durable(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
}

export function createScriptRunner(connection: RedisClient): ScriptRunner {
  return {
    run: (script, keys, args) => connection.run({ script, keys, args: args.map(String) }),
    durable: (script, keys, args) => connection.durable({ script, keys, args: args.map(String) }),
  };
}

/** A script with a variable `now` (milliseconds), set from ARGV[1]; see `NowArgument`. */
export function timedScript(name: string, keys: number, body: string): RedisScript {
  return { name, keys, lua: `${clock}\n${body}` };
}

/** All nodes use the clock of Redis, because their own clocks may differ. Only tests pass their own time. */
const clock = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(number) return string.format('%.0f', number) end`;

/** ARGV[1] of a timed script: milliseconds that replace the clock of Redis, or '' for that clock. */
export type NowArgument = () => number | '';

/**
 * Builds key names. Braces keep the keys of a group in one slot of a cluster, so that one script can use them
 * together.
 */
export interface KeySpace {
  /** `swob:{seeds}:all` */
  grouped(group: string, name: string): string;
  /** `swob:user:alice` */
  single(kind: string, id: string): string;
  /** `swob:pending:{swob:user:alice}`, which is in the slot of `swob:user:alice`. */
  colocated(key: string, name: string): string;
}

export function createKeySpace(prefix: string): KeySpace {
  return {
    grouped: (group, name) => `${prefix}:{${group}}:${name}`,
    single: (kind, id) => `${prefix}:${kind}:${encodeId(id)}`,
    colocated: (key, name) => `${prefix}:${name}:{${key}}`,
  };
}

/** Escapes lone surrogates, which UTF-8 cannot encode, so that distinct ids stay distinct. */
export function encodeId(id: string): string {
  return /^"|\p{Surrogate}/u.test(id) ? JSON.stringify(id) : id;
}

/** The inverse of `encodeId`. Throws for any other text. */
export function decodeId(text: string): string {
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}
