// Levels follow the configuration at intervals and on SIGHUP; an invalid configuration changes nothing.

import { EventEmitter } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { reloadLevels } from '../../../src/app/logging/level-reload.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configFile } from '../../support/config-files.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createTestLogs } from '../../support/logs.ts';

interface TrialOptions {
  readonly set?: readonly string[];
  readonly interval?: string;
  readonly isReportedOnHangup?: boolean;
}

function trial({ set = [], interval = '600s', isReportedOnHangup = false }: TrialOptions = {}) {
  const file = configFile('[logging]\nlevel = info\n');
  const clock = createFakeClock();
  const logs = createTestLogs({ set: [`monitor_interval=${interval}`, ...set], clock });
  const signals = new EventEmitter();
  let loads = 0;
  const load = async () => {
    loads++;
    return loadConfig({ files: [file], env: {}, setOptions: set.map((text) => `logging.${text}`) }).config
      .logging;
  };
  const stop = reloadLevels({ load, settings: logs.settings, logs, signals, clock, isReportedOnHangup });
  onTestFinished(stop);
  const messages = (): string[] => logs.lines.map((line) => JSON.parse(line).msg);
  const configure = (text: string): void => writeFileSync(file, `[logging]\n${text}\n`);
  return { logs, clock, signals, stop, messages, configure, loads: () => loads };
}

test('the file is read again after the interval, and the level changes', async () => {
  const { logs, clock, messages, configure } = trial();
  configure('level = debug');
  clock.advance(599_999);
  logs.log.debug({}, 'too early');
  clock.advance(1);
  await vi.waitFor(() => expect(messages()).toEqual(['log levels changed']));
  logs.logFor('gateway').debug({}, 'seen');
  expect(messages()).toEqual(['log levels changed', 'seen']);
});

test('SIGHUP reloads immediately; an invalid configuration changes nothing and is logged once', async () => {
  const { logs, signals, clock, messages, configure, loads } = trial();
  configure('level = loud');
  signals.emit('SIGHUP');
  await vi.waitFor(() =>
    expect(messages()).toEqual(['the configuration is invalid; log levels stay unchanged']),
  );
  expect(logs.lines[0]).toContain('[logging] level: expected one of');
  clock.advance(6_000_000);
  await vi.waitFor(() => expect(loads()).toBe(11));
  expect(messages()).toHaveLength(1);
  configure('level = warn');
  signals.emit('SIGHUP');
  await vi.waitFor(() => {
    logs.lines.length = 0;
    logs.log.info({}, 'below');
    expect(messages()).toEqual([]);
  });
  logs.log.warn({}, 'seen');
  expect(messages()).toEqual(['seen']);
});

test('what the reload of the workers reports on SIGHUP is not reported again, and what an interval finds is', async () => {
  const { signals, clock, messages, configure, loads } = trial({ isReportedOnHangup: true });
  configure('level = loud');
  signals.emit('SIGHUP');
  clock.advance(600_000);
  await vi.waitFor(() => expect(loads()).toBe(2));
  configure('level = louder');
  clock.advance(600_000);
  await vi.waitFor(() =>
    expect(messages()).toEqual(['the configuration is invalid; log levels stay unchanged']),
  );
});

test('--set and environment still override the file', async () => {
  const { logs, signals, configure, loads } = trial({ set: ['level=error'] });
  configure('level = debug');
  signals.emit('SIGHUP');
  await vi.waitFor(() => expect(loads()).toBe(1));
  logs.log.warn({}, 'below error');
  expect(logs.lines).toEqual([]);
});

test('an interval of 0s means SIGHUP only; nothing is reloaded after stop', async () => {
  const { clock, signals, loads, stop } = trial({ interval: '0s' });
  clock.advance(100_000_000);
  expect(loads()).toBe(0);
  signals.emit('SIGHUP');
  await vi.waitFor(() => expect(loads()).toBe(1));
  stop();
  expect(signals.listenerCount('SIGHUP')).toBe(0);
});

test('Graylog can be turned on and off, where it has a host', async () => {
  const { messages, signals, configure } = trial();
  configure('gelf_level = warn\ngelf_host = udp:127.0.0.1');
  signals.emit('SIGHUP');
  await vi.waitFor(() => expect(messages()).toHaveLength(2));
  expect(messages()[1]).toContain('restart swob to send logs to Graylog');
});

test('SIGHUP reopens files that were moved away', async () => {
  const folder = temporaryFolder();
  const { logs, signals } = trial({ set: [`base_dir=${folder}`] });
  const path = join(folder, 'gateway.log');
  logs.logFor('gateway').info({}, 'first');
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('first'));
  renameSync(path, `${path}.1`);
  signals.emit('SIGHUP');
  logs.logFor('gateway').info({}, 'second');
  await vi.waitFor(() => expect(existsSync(path) && readFileSync(path, 'utf8')).toContain('second'));
  expect(readFileSync(`${path}.1`, 'utf8')).not.toContain('second');
});
