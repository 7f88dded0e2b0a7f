// Takes over log levels from the configuration while swob runs: at intervals, and at once on SIGHUP, which opens the files
// anew as well. Used by `swob serve`.

import type { EventEmitter } from 'node:events';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/ports.ts';
import { messageOf } from '../../errors.ts';
import type { Logs } from './logs.ts';

export interface ReloadDeps {
  /** Reads the configuration anew; rejects when it has faults. */
  readonly load: () => Promise<Config['logging']>;
  /** What is in force from the start. */
  readonly settings: Config['logging'];
  readonly logs: Logs;
  /** Emits SIGHUP. */
  readonly signals: EventEmitter;
  readonly clock: Clock;
}

/** @returns how to end it */
export function followLevels({ load, settings, logs, signals, clock }: ReloadDeps): () => void {
  const { log } = logs;
  let { level, gelf_level } = settings;
  let toldFault = '';

  const look = async (): Promise<void> => {
    let fresh: Config['logging'];
    try {
      fresh = await load();
    } catch (error) {
      const fault = messageOf(error);
      if (fault !== toldFault) log.warn({ error: fault }, 'the configuration has faults; log levels stay');
      toldFault = fault;
      return;
    }
    toldFault = '';
    if (fresh.level === level && fresh.gelf_level === gelf_level) return;
    ({ level, gelf_level } = fresh);
    logs.setLevels({ level, gelfLevel: gelf_level });
    log.info({ level, gelfLevel: gelf_level }, 'log levels changed');
    if (gelf_level !== 'off' && settings.gelf_host === '')
      log.warn({}, '[logging] gelf_host was empty at the start: restart swob to send to Graylog');
  };

  // One after the other, so that an old read never wins over a newer one.
  let looking: Promise<void> = Promise.resolve();
  const lookSoon = (): void => {
    looking = looking.then(look);
  };
  const onHangup = (): void => {
    toldFault = '';
    logs.reopen();
    lookSoon();
  };
  signals.on('SIGHUP', onHangup);
  const stop = settings.monitor_interval > 0 ? clock.every(settings.monitor_interval, lookSoon) : () => {};
  return () => {
    stop();
    signals.off('SIGHUP', onHangup);
  };
}
