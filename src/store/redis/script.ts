// The scripts of the Redis store: each change of more than one key is one script, and so happens whole or not at all.
// Used by the other files of this folder.

import type { RedisConnection, RedisScript } from './connection/connect.ts';

/** What runs scripts. */
export interface Redis {
  /** Resolves to the answer of Redis. Throws UNAVAILABLE. */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** The same, once as many replicas have what it wrote as the configuration asks for. */
  durable(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
}

export function scriptsOn(connection: RedisConnection): Redis {
  return {
    run: (script, keys, args) => connection.run({ script, keys, args: args.map(String) }),
    durable: (script, keys, args) => connection.durable({ script, keys, args: args.map(String) }),
  };
}

/** A script that has `now` (milliseconds); ARGV[1] is for that, see `Timed`. */
export function timedScript(name: string, keys: number, body: string): RedisScript {
  return { name, keys, lua: `${clock}\n${body}` };
}

/** Every node asks the clock of Redis, so that theirs may differ. Only tests bring their own time. */
const clock = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(number) return string.format('%.0f', number) end`;

/** What ARGV[1] of a timed script is: milliseconds in place of Redis's own, or '' for its own. */
export type Timed = () => number | '';

/** The names of keys. `{…}` makes Redis Cluster keep them in one slot, so that a script can have them together. */
export interface KeySpace {
  /** `swob:{seeds}:all` */
  together(group: string, name: string): string;
  /** `swob:user:alice` */
  alone(kind: string, id: string): string;
}

export function createKeySpace(prefix: string): KeySpace {
  return {
    together: (group, name) => `${prefix}:{${group}}:${name}`,
    alone: (kind, id) => `${prefix}:${kind}:${wellFormed(id)}`,
  };
}

/** Without lone surrogates, which UTF-8 has no bytes for: two ids that differ stay different. */
export function wellFormed(id: string): string {
  return /^"|\p{Surrogate}/u.test(id) ? JSON.stringify(id) : id;
}

/** The id that `wellFormed` made this of. Throws when it made none such. */
export function idOfWellFormed(text: string): string {
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}
