// Notifies systemd that the daemon is ready, alive or stopping (Type=notify, WatchdogSec). Runs systemd-notify(1),
// because Node has no Unix datagram sockets. Used by `swob serve`.

import { execFile } from 'node:child_process';
import type { ServiceManagerVariables } from '../config/environment.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf, systemErrorCode } from '../errors.ts';
import type { Deadline } from '../lib/deadline.ts';

export interface SystemdNotifier {
  /** The services listen; `systemctl status` shows `status`. Starts the watchdog notifications. */
  ready(status: string): Promise<void>;
  stopping(deadline: Deadline): Promise<void>;
}

/** systemd-notify waits until systemd has received the message. */
const timeoutMs = 2_000;

const noNotifier: SystemdNotifier = { ready: async () => undefined, stopping: async () => undefined };

/** Never rejects: the first failure is logged. Does nothing where NOTIFY_SOCKET is not set. */
export function createSystemdNotifier(
  { notifySocket, watchdogMs }: ServiceManagerVariables,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  program = 'systemd-notify',
): SystemdNotifier {
  if (notifySocket === undefined) return noNotifier;
  let failureReported = false;
  let isStopping = false;
  let stopWatchdog: () => void = () => {};

  const notify = (...states: string[]): Promise<void> =>
    new Promise((resolve) => {
      const env = { NOTIFY_SOCKET: notifySocket };
      const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
      execFile(program, states, options, (error) => {
        if (error && !failureReported) {
          failureReported = true;
          const missing = systemErrorCode(error) === 'ENOENT';
          log.error(
            { states, error: messageOf(error) },
            missing
              ? 'systemd-notify is not installed: use Type=exec and no WatchdogSec in the unit'
              : 'systemd could not be notified; with Type=notify it may end this process',
          );
        }
        resolve();
      });
    });

  // The timer fires only while the event loop runs, which is what the watchdog checks.
  let isNotifying = false;
  const notifyAlive = (): void => {
    if (isNotifying) return;
    isNotifying = true;
    void notify('WATCHDOG=1').finally(() => {
      isNotifying = false;
    });
  };

  return {
    ready: async (status) => {
      await notify('READY=1', `STATUS=${status}`);
      if (watchdogMs !== undefined && !isStopping) stopWatchdog = clock.every(watchdogMs / 2, notifyAlive);
    },
    stopping: async (deadline) => {
      isStopping = true;
      stopWatchdog();
      await deadline.settles(notify('STOPPING=1', 'STATUS=stopping'));
    },
  };
}
