// Tells systemd how the daemon is (Type=notify, WatchdogSec): ready, alive, stopping. Node has no Unix datagram sockets,
// so it is said by systemd-notify(1). Used by `swob serve`.

import { execFile } from 'node:child_process';
import type { ServiceManagerVariables } from '../config/environment.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { errnoOf, messageOf } from '../errors.ts';

export interface ServiceManager {
  /** The services listen; `status` is what `systemctl status` shows. Signs of life begin. */
  ready(status: string): Promise<void>;
  /** The stop has begun. */
  stopping(): Promise<void>;
}

/** systemd-notify waits until systemd has taken the message. */
const limitMs = 2_000;

const nobody: ServiceManager = { ready: async () => undefined, stopping: async () => undefined };

/** Never rejects: what cannot be said is logged, once. Without a socket to say it to, nothing is ever done. */
export function createServiceManager(
  { notifySocket, watchdogMs }: ServiceManagerVariables,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  program = 'systemd-notify',
): ServiceManager {
  if (notifySocket === undefined) return nobody;
  let told = false;
  let ended = false;
  let stopWatchdog: () => void = () => {};

  const say = (...states: string[]): Promise<void> =>
    new Promise((resolve) => {
      const env = { NOTIFY_SOCKET: notifySocket };
      const options = { env, timeout: limitMs, killSignal: 'SIGKILL' as const };
      execFile(program, states, options, (error) => {
        if (error && !told) {
          told = true;
          const missing = errnoOf(error) === 'ENOENT';
          log.error(
            { states, error: messageOf(error) },
            missing
              ? 'systemd-notify is not installed: use Type=exec and no WatchdogSec in the unit'
              : 'systemd could not be told; with Type=notify it may end this process',
          );
        }
        resolve();
      });
    });

  // One at a time; the timer only fires while the event loop turns, which is what systemd wants to know.
  let saying = false;
  const signOfLife = (): void => {
    if (saying) return;
    saying = true;
    void say('WATCHDOG=1').finally(() => {
      saying = false;
    });
  };

  return {
    ready: async (status) => {
      await say('READY=1', `STATUS=${status}`);
      if (watchdogMs !== undefined && !ended) stopWatchdog = clock.every(watchdogMs / 2, signOfLife);
    },
    stopping: async () => {
      ended = true;
      stopWatchdog();
      await say('STOPPING=1', 'STATUS=stopping');
    },
  };
}
