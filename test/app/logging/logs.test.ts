// The destinations of the lines of a process, their levels and their contents.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { createTestLogs } from '../../support/logs.ts';

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

test('a stream that throws loses the line and nothing else', () => {
  const stderr = {
    write: () => {
      throw new Error('EPIPE');
    },
  };
  const { log } = createTestLogs({ stderr });
  expect(() => log.error({ file: 'x' }, 'not written')).not.toThrow();
});

test('lines are JSON with level, time, service, fields and message, from the level on', () => {
  const { log, logFor, lines } = createTestLogs({ set: ['level=warn'] });
  log.info({}, 'below');
  log.warn({ userId: 'alice' }, 'of the process');
  logFor('sync').error({}, 'of sync');
  expect(parsed(lines)).toEqual([
    {
      level: 40,
      time: expect.stringMatching(/^2022-03-25T.*(Z|\d\d:\d\d)$/),
      userId: 'alice',
      msg: 'of the process',
    },
    { level: 50, time: expect.any(String), service: 'sync', msg: 'of sync' },
  ]);
  expect(lines.every((line) => line.endsWith('}\n') && line.startsWith('{"level":'))).toBe(true);
});

test('lines of a turn are written together, but immediately at warn and after close', async () => {
  const writes: string[] = [];
  const turns: (() => void)[] = [];
  const logs = createTestLogs({
    stderr: { write: (text: string) => writes.push(text) },
    afterTurn: (work) => turns.push(work),
  });
  const { log } = logs;
  const written = () => writes.splice(0).map((text) => parsed(text.trim().split('\n')).map(({ msg }) => msg));
  log.info({}, 'one');
  log.info({}, 'two');
  expect(written()).toEqual([]);
  expect(turns).toHaveLength(1);
  turns.pop()?.();
  expect(written()).toEqual([['one', 'two']]);
  log.info({}, 'before');
  log.warn({}, 'what is wrong');
  expect(written()).toEqual([['before', 'what is wrong']]);
  turns.pop()?.();
  expect(written()).toEqual([]);
  log.info({ text: 'x' }, 'many');
  for (let line = 0; line < 1_000; line++) log.info({ reason: 'x'.repeat(100) }, 'more');
  expect(written().length).toBeGreaterThan(1);
  log.info({}, 'last');
  await logs.close();
  expect(written().flat().at(-1)).toBe('last');
  log.info({}, 'after the end');
  expect(written()).toEqual([['after the end']]);
});

test('arguments below the level are not evaluated', () => {
  const { log } = createTestLogs({ set: ['level=info'] });
  const fields = {
    get costly() {
      throw new Error('was formatted');
    },
  };
  log.debug(fields, 'below');
  expect(() => log.info(fields, 'above')).toThrow('was formatted');
});

test('a level can be changed at run time, also for services that have logged before', () => {
  const { log, logFor, lines, setLevels } = createTestLogs();
  const gateway = logFor('gateway');
  const write = () => {
    log.debug({}, 'process');
    gateway.debug({}, 'gateway');
    logFor('sync').debug({}, 'sync');
  };
  write();
  setLevels({ level: 'debug', gelfLevel: 'off' });
  write();
  setLevels({ level: 'silent', gelfLevel: 'off' });
  write();
  gateway.error({}, 'not even this');
  expect(parsed(lines).map(({ msg }) => msg)).toEqual(['process', 'gateway', 'sync']);
});

test('a terminal gets readable lines, or JSON on request', () => {
  const written: string[] = [];
  const stderr = { isTTY: true, write: (line: string) => written.push(line) };
  createTestLogs({ stderr }).logFor('gateway').info({ url: 'http://127.0.0.1:1' }, 'listening');
  expect(written).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}gateway listening url=http:/),
  ]);
});

test('fields with secret names are redacted', () => {
  const { log, lines } = createTestLogs();
  const names = [
    'token',
    'password',
    'authorization',
    'secret',
    'key',
    'sharedKey',
    'authKey',
    'text',
    'msisdn',
    'MSISDN',
  ];
  log.error(Object.fromEntries(names.map((name) => [name, 'hunter2'])), 'oops');
  expect(lines.join('')).not.toContain('hunter2');
  expect(Object.keys(parsed(lines)[0])).toEqual(expect.arrayContaining(names));
});

test('a line too long for files and Graylog is truncated', () => {
  const { log, lines } = createTestLogs();
  log.error({ error: 'x'.repeat(100_000) }, 'failed');
  expect(parsed(lines)).toMatchObject([{ msg: 'failed', cutFrom: expect.any(Number) }]);
});

describe('files', () => {
  test('one for each service and one for the process', async () => {
    const folder = join(temporaryFolder(), 'logs');
    const { log, logFor, close } = createTestLogs({ set: [`base_dir=${folder}`] });
    log.info({}, 'of the process');
    logFor('gateway').info({}, 'of the gateway');
    logFor('sync').info({}, 'of sync');
    logFor('sync').debug({}, 'below the level');
    await close();
    const texts = (await filesIn(folder)).map((name) => [
      name,
      parsed(readFileSync(join(folder, name), 'utf8').trim().split('\n')),
    ]);
    expect(texts).toMatchObject([
      ['gateway.log', [{ msg: 'of the gateway', service: 'gateway' }]],
      ['swob.log', [{ msg: 'of the process' }]],
      ['sync.log', [{ msg: 'of sync', service: 'sync' }]],
    ]);
  });

  test('a process with one service writes that file only', async () => {
    const folder = temporaryFolder();
    const { log, logFor, close } = createTestLogs({ set: [`base_dir=${folder}`], services: ['disconnect'] });
    log.info({}, 'of the process');
    logFor('disconnect').info({}, 'of the service');
    await close();
    expect(await filesIn(folder)).toEqual(['disconnect.log']);
    expect(readFileSync(join(folder, 'disconnect.log'), 'utf8')).toMatch(
      /of the process.*\n.*of the service/,
    );
  });

  test('none without a folder', async () => {
    const { log, close, drops } = createTestLogs();
    log.info({}, 'x');
    await close();
    expect(drops()).toEqual({ file: 0, gelf: 0, repeated: 0 });
  });

  test('an unwritable file is reported on stderr, and the others are written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'gateway.log'));
    const { logFor, lines, close } = createTestLogs({ set: [`base_dir=${folder}`] });
    logFor('gateway').info({}, 'lost');
    logFor('sync').info({}, 'kept');
    await vi.waitFor(() => expect(lines).toHaveLength(3));
    expect(parsed(lines)[2]).toMatchObject({
      level: 50,
      service: 'gateway',
      file: join(folder, 'gateway.log'),
      msg: 'the log file cannot be written',
    });
    await close();
    expect(readFileSync(join(folder, 'sync.log'), 'utf8')).toContain('kept');
  });
});
