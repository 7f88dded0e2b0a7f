// One process at a time owns a store's folder; used by the lowdb store. Our own, because the packages
// for it judge by a file's age alone (proper-lockfile, last released in 2021): after a crash they keep
// the next start waiting, and two that find the same stale lock can both remove it and both go on.
//
// The lock is the file `lock.<generation>` with the highest generation. It is taken by linking a whole
// file to the next generation, which only one process can do, and never deleted by its holder: released
// locks say so. Generations only grow, so what has been seen cannot come back under the same name.

import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../domain/ports.ts';
import { errnoOf, SwobError } from '../errors.ts';
import { diskError } from './disk-error.ts';
import { describeSelf, type Holder, isHolder, judge } from './lock-holder.ts';

export interface Lock {
  /** True once another host has taken the lock over: this process was halted for too long. */
  readonly lost: boolean;
  /** Lets go; idempotent. */
  release(): Promise<void>;
}

const touchEveryMs = 10_000;
/** Without a sign of life for this long a holder that cannot be looked up is taken for dead. */
const staleMs = 30_000;
const maxTries = 20;

/** Takes the lock of an existing folder. Throws UNAVAILABLE, naming the holder, when it is held. */
export async function acquireLock(folder: string, clock: Clock): Promise<Lock> {
  const me = await describeSelf(clock);
  // Hidden, and a name of its own: whatever becomes of it is nobody's lock.
  const draft = join(folder, `.lock-${randomUUID()}`);
  try {
    await writeFile(draft, JSON.stringify(me), { flag: 'wx', mode: 0o600 });
    await touch(draft, clock);
    for (let tries = 0; tries < maxTries; tries++) {
      const generation = await take(folder, draft, me, clock);
      if (generation !== undefined) return hold(join(folder, fileOf(generation)), draft, clock);
    }
  } catch (error) {
    throw diskError(`cannot lock the store ${folder}`, error, 'opening');
  } finally {
    await unlink(draft).catch(() => {});
  }
  throw new SwobError('UNAVAILABLE', `too many processes want the store ${folder} at once; try again`);
}

/** @returns the generation that is ours, or undefined to look again; throws when the lock is held. */
async function take(folder: string, draft: string, me: Holder, clock: Clock): Promise<number | undefined> {
  const top = (await generations(folder)).at(-1) ?? 0;
  if (top > 0 && !(await isFree(folder, fileOf(top), me, clock))) return undefined;

  const mine = top + 1;
  try {
    await link(draft, join(folder, fileOf(mine)));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  }
  // What was read may have been long ago: the name could be free because later holders cleaned up. They
  // remove in rising order, so while `top` stands nobody has had `mine` before.
  const now = await generations(folder);
  if (now.at(-1) !== mine || (top > 0 && !now.includes(top))) {
    await removed(join(folder, fileOf(mine)));
    return undefined;
  }
  for (const lower of now.slice(0, -1)) {
    if (!(await removed(join(folder, fileOf(lower))))) break;
  }
  return mine;
}

/** Whether the file is gone now, by us or another. */
async function removed(file: string): Promise<boolean> {
  return unlink(file).then(
    () => true,
    (error: unknown) => errnoOf(error) === 'ENOENT',
  );
}

/** True when the holder has released it or is dead; false when the file is gone. Throws when it is held. */
async function isFree(folder: string, name: string, me: Holder, clock: Clock): Promise<boolean> {
  const file = join(folder, name);
  let text: string;
  let ageMs: number;
  try {
    text = await readFile(file, 'utf8');
    ageMs = clock.now() - (await stat(file)).mtimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  const content = parse(text);
  if (isReleased(content)) return true;
  const holder = isHolder(content) ? content : undefined;
  const verdict = holder ? await judge(holder, me) : 'unknown';
  if (verdict === 'dead' || (verdict === 'unknown' && ageMs >= staleMs)) return true;
  const who = holder
    ? `pid ${holder.pid} on host ${holder.host} since ${holder.since}`
    : `an unreadable ${name}`;
  const wait = verdict === 'unknown' ? ` (if that is dead already, wait ${staleMs / 1_000} s)` : '';
  throw new SwobError(
    'UNAVAILABLE',
    `the store ${folder} is in use by ${who}${wait}; stop it, or use \`swob serve\` with another [store] url`,
  );
}

/** Who holds a lock, as its file says; `state` whether that process still runs. */
export interface LockHolder extends Pick<Holder, 'pid' | 'host' | 'since'> {
  readonly state: 'live' | 'dead' | 'unknown';
}

/** Looks and takes nothing. Undefined when nobody holds the folder's lock; throws the system's error. */
export async function lockHolder(folder: string, clock: Clock): Promise<LockHolder | undefined> {
  const top = (await generations(folder)).at(-1);
  if (top === undefined) return undefined;
  const content = parse(await readFile(join(folder, fileOf(top)), 'utf8'));
  if (!isHolder(content)) return undefined;
  const { pid, host, since } = content;
  return { pid, host, since, state: await judge(content, await describeSelf(clock)) };
}

function hold(file: string, draft: string, clock: Clock): Lock {
  let lost = false;
  let released: Promise<void> | undefined;

  /** A lock that is gone was taken over; any other failure is no reason to stop, and may pass. */
  const signOfLife = (): Promise<void> =>
    touch(file, clock).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') lost = true;
    });
  const stopTouching = clock.every(touchEveryMs, () => void signOfLife());

  const release = async (): Promise<void> => {
    stopTouching();
    await signOfLife();
    if (lost) return;
    try {
      await writeFile(draft, JSON.stringify({ released: true }), { mode: 0o600 });
      await rename(draft, file);
    } catch (error) {
      await unlink(draft).catch(() => {});
      throw diskError(`cannot release the lock ${file}`, error);
    }
  };

  return {
    get lost() {
      return lost;
    },
    release: () => {
      released ??= release();
      return released;
    },
  };
}

function fileOf(generation: number): string {
  return `lock.${generation}`;
}

/** The generations in the folder, rising. */
async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => /^lock\.(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** By the injected clock, with which the file's age is measured too. */
async function touch(file: string, clock: Clock): Promise<void> {
  await utimes(file, clock.now() / 1_000, clock.now() / 1_000);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isReleased(content: unknown): boolean {
  return (
    typeof content === 'object' && content !== null && 'released' in content && content.released === true
  );
}
