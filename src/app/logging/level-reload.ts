// Reloads log levels from the configuration while swob runs: at intervals, and immediately on SIGHUP, which reopens the
// log files as well. Used by `swob serve`.

import type { EventEmitter } from 'node:events';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import type { Logs } from './logs.ts';

export interface ReloadDeps {
  /** Reads the configuration again; rejects when it is invalid. */
  readonly load: () => Promise<Config['logging']>;
  /** The configuration at the start. */
  readonly settings: Config['logging'];
  readonly logs: Logs;
  /** Emits SIGHUP. */
  readonly signals: EventEmitter;
  readonly clock: Clock;
  /** Whether something else that reloads on SIGHUP reports an invalid configuration. */
  readonly isReportedOnHangup?: boolean;
}

/** @returns a function that stops it */
export function reloadLevels(deps: ReloadDeps): () => void {
  const { load, settings, logs, signals, clock, isReportedOnHangup = false } = deps;
  const { log } = logs;
  let { level, gelf_level } = settings;
  let reportedError = '';

  const reload = async (isReported: boolean): Promise<void> => {
    let updated: Config['logging'];
    try {
      updated = await load();
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== reportedError && !isReported)
        log.warn({ error: reason }, 'the configuration is invalid; log levels stay unchanged');
      reportedError = reason;
      return;
    }
    reportedError = '';
    if (updated.level === level && updated.gelf_level === gelf_level) return;
    ({ level, gelf_level } = updated);
    logs.setLevels({ level, gelfLevel: gelf_level });
    log.info({ level, gelfLevel: gelf_level }, 'log levels changed');
    if (gelf_level !== 'off' && settings.gelf_host === '')
      log.warn({}, '[logging] gelf_host was empty at the start: restart swob to send logs to Graylog');
  };

  // Serialised, so that an older read never replaces a newer one.
  let reloading: Promise<void> = Promise.resolve();
  const scheduleReload = (isReported: boolean): void => {
    reloading = reloading.then(() => reload(isReported));
  };
  const onHangup = (): void => {
    reportedError = '';
    logs.reopen();
    scheduleReload(isReportedOnHangup);
  };
  signals.on('SIGHUP', onHangup);
  const stop =
    settings.monitor_interval > 0
      ? clock.every(settings.monitor_interval, () => scheduleReload(false))
      : () => {};
  return () => {
    stop();
    signals.off('SIGHUP', onHangup);
  };
}
