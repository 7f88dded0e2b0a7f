// `swob stub pcrf` as a command line in the test process.

import { EventEmitter, once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../../../src/cli/run.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';

/** Starts `swob stub pcrf …` on a free port. */
function start(...options: string[]) {
  const signals = new EventEmitter();
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const io = { stdin: Readable.from([]), stdout, stderr, signals, clock: createFakeClock(), env: {} };
  const exit = run(['stub', 'pcrf', '--port', '0', ...options], io);
  onTestFinished(async () => {
    signals.emit('SIGTERM');
    await exit;
  });
  const line = async (): Promise<string> => String((await once(stdout, 'data'))[0]);
  return { exit, signals, line, stderr };
}

const urlIn = (line: string): string => /http:\/\/[\d.:]+/.exec(line)?.[0] ?? '';
const sessionsOf = async (url: string): Promise<unknown> => (await fetch(`${url}/__sessions`)).json();

describe('swob stub pcrf', () => {
  test('prints its address on one line and in the ready file, and runs until a signal', async () => {
    const file = join(temporaryFolder(), 'ready.json');
    const cli = start('--ready-file', file);
    const line = await cli.line();
    const url = urlIn(line);
    expect(line).toBe(`PCRF stub ready at ${url}\n`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ url });
    expect(await (await fetch(`${url}/account/disconnect?session=1`)).json()).toEqual({ success: true });
    cli.signals.emit('SIGTERM');
    expect(await cli.exit).toBe(143);
    expect(existsSync(file)).toBe(false);
    await expect(fetch(url)).rejects.toThrow();
  });

  test('prints the address as JSON', async () => {
    const cli = start('--json');
    const { url }: { url: string } = JSON.parse(await cli.line());
    expect(await sessionsOf(url)).toEqual([]);
    cli.signals.emit('SIGINT');
    expect(await cli.exit).toBe(130);
  });

  test('knows the given sessions, including MACs with colons', async () => {
    const given = ['--session', '5692549928996307964:100.112.0.1:1:FC-45-96-5F-50-AC'];
    const cli = start(...given, '--session', '2:10.0.0.1:guest:fc:45:96:5f:50:ac');
    expect(await sessionsOf(urlIn(await cli.line()))).toEqual([
      { sessionId: '5692549928996307964', nasIp: '100.112.0.1', vrf: '1', clientMac: 'FC-45-96-5F-50-AC' },
      { sessionId: '2', nasIp: '10.0.0.1', vrf: 'guest', clientMac: 'fc:45:96:5f:50:ac' },
    ]);
  });

  test('responds in the given mode', async () => {
    const url = urlIn(await start('--mode', 'refuse').line());
    expect((await fetch(`${url}/account/disconnect?session=1`)).status).toBe(500);
  });

  test.each([
    [['--session', '1:100.112.0.1:1']],
    [['--session', '1:100.112.0.1:1:']],
    [['--session', ':100.112.0.1:1:mac']],
    [['--session', '1:n:v:m', '--session', '1:n:v:m']],
    [['--mode', 'odd']],
    [['--ms', '-1']],
    [['--ms', '3600001']],
    [['--port', '65536']],
    [['surplus']],
  ])('refuses %j with 64', async (options) => {
    expect(await start(...options).exit).toBe(64);
  });

  test('removes the ready file of an earlier run, and reports when it cannot be written', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'ready.json');
    writeFileSync(file, '{}');
    const { port } = new URL(urlIn(await start().line()));
    expect(await start('--port', port, '--ready-file', file).exit).toBe(75);
    expect(existsSync(file)).toBe(false);
    const cli = start('--ready-file', join(folder, 'nowhere', 'ready.json'));
    expect(await cli.exit).toBe(78);
    expect(String(cli.stderr.read())).toContain(join(folder, 'nowhere', 'ready.json'));
  });

  test('exits with 75 when the port is in use', async () => {
    const { port } = new URL(urlIn(await start().line()));
    const second = start('--port', port);
    expect(await second.exit).toBe(75);
    expect(String(second.stderr.read())).toContain(`cannot listen on 127.0.0.1:${port}`);
  });
});
