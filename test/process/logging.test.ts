// The logs of the real binary as an operator meets them: files, levels that change while it runs, Graylog, time zone.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { runProcess, runSwob, startProcess, startSwob, swobScript } from '../support/binary.ts';
import { filesIn } from '../support/folders.ts';
import { startGelfListener } from '../support/gelf.ts';
import { needs } from '../support/needs.ts';
import { get } from '../support/phone.ts';
import { createInstallation } from './installation.ts';

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

test('each service writes a file of its own, including the lines of its stop', async () => {
  const { folder } = await createInstallation({ extra: '[logging]\nbase_dir = logs' });
  const swob = await startSwob(['serve'], { cwd: folder });
  await get(`${swob.ready.gateway.url}/v2/sync/users/alice`, { headers: { 'x-request-id': 'mine' } });
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  const logs = join(folder, 'logs');
  expect(await filesIn(logs)).toEqual(['gateway.log', 'swob.log', 'sync.log']);
  const read = (name: string) => linesOf(readFileSync(join(logs, name), 'utf8'));
  expect(read('gateway.log')).toMatchObject([
    { level: 30, service: 'gateway', msg: 'listening', url: swob.ready.gateway.url },
    { level: 30, service: 'gateway', msg: 'request', requestId: 'mine', route: '/v2/sync/users/:userId' },
  ]);
  expect(read('sync.log')).toMatchObject([{ service: 'sync', msg: 'listening' }]);
  expect(read('swob.log')).toMatchObject([{ msg: 'stopping', signal: 'SIGTERM' }]);
  // The same lines as on stderr.
  expect(linesOf(swob.stderr())).toHaveLength(4);
  expect(statSync(join(logs, 'gateway.log')).mode & 0o777).toBe(0o640);
});

test('on SIGHUP the levels of the configuration file take effect and log files are reopened', async () => {
  const { folder, conf } = await createInstallation({ extra: '[logging]\nbase_dir = logs\nlevel = warn' });
  const swob = await startSwob(['serve', 'gateway', '--set', 'websocket.port=1'], { cwd: folder });
  const log = join(folder, 'logs', 'gateway.log');
  const text = readFileSync(conf, 'utf8');
  await get(`${swob.ready.gateway.url}/seeds`);
  expect(swob.stderr()).toBe('');

  writeFileSync(conf, text.replace('level = warn', 'level = debug'));
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', '"msg":"log levels changed"');
  await get(`${swob.ready.gateway.url}/seeds`);
  await swob.waitForOutput('stderr', '"route":"/seeds"');
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('"route":"/seeds"'));

  renameSync(log, `${log}.1`);
  writeFileSync(conf, text.replace('level = warn', 'level = loud'));
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', 'the configuration is invalid; log levels stay unchanged');
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('log levels stay'));
  swob.kill('SIGTERM');
  await swob.exit;
});

test('SIGHUP does not end a process without log files', async () => {
  const { folder } = await createInstallation();
  const swob = await startSwob(['serve'], { cwd: folder });
  swob.kill('SIGHUP');
  expect((await get(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});

test('the configuration file is read again after the interval, without a signal', async () => {
  const { folder, conf } = await createInstallation({ extra: '[logging]\nmonitor_interval = 50ms' });
  const swob = await startSwob(['serve'], { cwd: folder });
  writeFileSync(conf, `${readFileSync(conf, 'utf8')}level = debug\n`);
  await swob.waitForOutput('stderr', '"msg":"log levels changed"');
  swob.kill('SIGTERM');
  await swob.exit;
});

test('Graylog gets lines from its level on, configured by the variables of the replaced service', async () => {
  const { folder } = await createInstallation();
  const graylog = await startGelfListener();
  const env = {
    LOG_LEVEL: 'OFF',
    GELF_LEVEL: 'INFO',
    GELF_HOST: 'udp:127.0.0.1',
    GELF_PORT: String(graylog.port),
    TZ: 'Asia/Novosibirsk',
  };
  const before = Date.now() / 1_000;
  const swob = await startSwob(['serve'], { cwd: folder, env });
  await vi.waitFor(() => expect(graylog.messages).toHaveLength(2));
  for (const message of graylog.messages) {
    expect(message).toMatchObject({
      version: '1.1',
      host: expect.any(String),
      short_message: 'listening',
      level: 6,
    });
    expect(Number(message.timestamp)).toBeGreaterThanOrEqual(Math.floor(before));
    expect(Number(message.timestamp)).toBeLessThan(before + 600);
  }
  expect(graylog.messages.map(({ _service }) => _service).sort()).toEqual(['gateway', 'sync']);
  swob.kill('SIGTERM');
  await swob.exit;
  await vi.waitFor(() => expect(graylog.messages.at(-1)).toMatchObject({ short_message: 'stopping' }));
  expect(swob.stderr()).toBe('');
});

test('times are in the time zone of the process', async () => {
  const { folder } = await createInstallation();
  const swob = await startSwob(['serve'], { cwd: folder, env: { TZ: 'Asia/Novosibirsk' } });
  await swob.waitForOutput('stderr', '\n');
  const [line] = linesOf(swob.stderr());
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00$/);
  expect(Math.abs(Date.parse(line.time) - Date.now())).toBeLessThan(600_000);
  swob.kill('SIGTERM');
  await swob.exit;
});

test('a terminal gets short lines, and closing it ends the process', async (context) => {
  needs(context, { command: 'script' });
  const { folder } = await createInstallation();
  const command = `echo pid $$.; exec '${process.execPath}' '${swobScript}' serve`;
  const terminal = startProcess('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { TERM: 'xterm-256color' },
  });
  await terminal.waitForOutput('stdout', 'sync ready at ');
  expect(terminal.stdout()).toContain('\u001b[32mINFO');
  expect(stripVTControlCharacters(terminal.stdout())).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}sync listening url=/m,
  );
  expect(terminal.stdout()).not.toContain('{"level"');

  // A closed terminal ends it.
  const pid = Number(/^pid (\d+)\./.exec(terminal.stdout())?.[1]);
  expect(process.kill(pid, 0)).toBe(true);
  terminal.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 5_000 });
});

test('the services work when the log folder cannot be written', async () => {
  const { folder } = await createInstallation({ extra: '[logging]\nbase_dir = confs/conf.ini/logs' });
  const swob = await startSwob(['serve'], { cwd: folder });
  await swob.waitForOutput('stderr', 'the log file cannot be written');
  expect((await get(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});

test('on a full disk only log lines are lost, and the loss is reported', async (context) => {
  needs(context, { mounts: true });
  const { folder } = await createInstallation({ extra: '[logging]\nbase_dir = logs\nlevel = debug' });
  const logs = join(folder, 'logs');
  await runProcess('mkdir', [logs], { cwd: folder });
  const mounted = await runProcess('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', logs], {
    cwd: folder,
  });
  expect(mounted.code).toBe(0);
  try {
    const swob = await startSwob(['serve'], { cwd: folder });
    for (let count = 0; count < 200; count++) {
      expect((await get(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
    }
    await swob.waitForOutput('stderr', 'ENOSPC');
    await runProcess('mount', ['-o', 'remount,size=1m', logs], { cwd: folder });
    swob.kill('SIGHUP');
    await swob.waitForOutput('stderr', 'the log file can be written again');
    swob.kill('SIGTERM');
    await swob.exit;
    const requests = linesOf(readFileSync(join(logs, 'gateway.log'), 'utf8')).filter(
      ({ msg }) => msg === 'request',
    );
    expect(requests).toHaveLength(200);
  } finally {
    await runProcess('umount', ['--lazy', logs], { cwd: '/' });
  }
});

test('a configuration that contradicts itself is refused at the start', async () => {
  const { folder } = await createInstallation();
  const { code, stderr } = await runSwob(['serve', '--set', 'logging.gelf_level=info'], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('[logging] gelf_level = info needs gelf_host');
});
