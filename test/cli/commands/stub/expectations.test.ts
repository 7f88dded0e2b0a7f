// The options --scenario and --expect, which all stubs have.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

/** Starts a stub of the Publisher, sends it messages and ends it. */
async function runStub(args: readonly string[], messages: readonly string[]) {
  const cli = createCli();
  const ended = cli.swob('stub', 'publisher', '--port', '0', ...args);
  await Promise.race([cli.out.until('http:'), ended]);
  const url = /http:[^"\s]+/.exec(cli.out.text)?.[0];
  const statuses: number[] = [];
  for (const message of url === undefined ? [] : messages) {
    const response = await fetch(`${url}/publish`, {
      method: 'POST',
      body: JSON.stringify({ MSISDN: '+237650393369', message }),
    });
    statuses.push(response.status);
  }
  cli.signals.emit('SIGTERM');
  return { code: await ended, statuses, err: cli.err.text, out: cli.out.text };
}

test('ends with 0 when all expectations are met, with 1 and what came instead when not', async () => {
  expect(await runStub(['--expect', 'message~=Hello'], ['Hello Bob'])).toMatchObject({ code: 0, err: '' });
  const failed = await runStub(
    ['--expect', 'message~=Hello', '--expect', 'MSISDN=+237650393369'],
    ['Goodbye'],
  );
  expect(failed).toMatchObject({
    code: 1,
    err: expect.stringContaining('expected at least 1 request with message~=Hello: 0 of 1 received'),
  });
  expect(failed.err).toContain('Goodbye');
  expect(failed.err).not.toContain('MSISDN=+');
});

test('checks the expectations also when the reader of its output is gone', async () => {
  const run = async (message: string): Promise<number> => {
    const cli = createCli();
    const ended = cli.swob('stub', 'publisher', '--port', '0', '--expect', 'message=Hello');
    await cli.out.until('http:');
    const url = /http:[^"\s]+/.exec(cli.out.text)?.[0];
    await fetch(`${url}/publish`, { method: 'POST', body: JSON.stringify({ MSISDN: '+237', message }) });
    cli.out.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    return ended;
  };
  expect(await run('Hello')).toBe(0);
  expect(await run('Goodbye')).toBe(1);
});

test('without expectations ends by the signal', async () => {
  expect(await runStub([], [])).toMatchObject({ code: 143 });
});

test('follows a scenario, in YAML or JSON, and checks what it expects', async () => {
  const folder = temporaryFolder();
  const yaml = join(folder, 'scenario.yaml');
  writeFileSync(
    yaml,
    'behaviour:\n  - mode: refuse\n  - mode: reject\n    times: 2\nexpect:\n  - received: [status=200]\n    times: 1\n',
  );
  const messages = ['a', 'b', 'c', 'd'];
  expect(await runStub(['--scenario', yaml], messages)).toMatchObject({
    code: 0,
    statuses: [500, 400, 400, 200],
  });
  const json = join(folder, 'expect.json');
  writeFileSync(json, '{"expect":[{"received":["status=200"],"times":"<=1"}]}');
  expect(await runStub(['--expect', json, '--json'], messages)).toMatchObject({
    code: 1,
    out: expect.stringContaining('"ok":false'),
  });
});

test.each([
  ['no: [yes', 'cannot use'],
  ['behaviour:\n  - mode: angry\n', 'expected one of normal, refuse'],
  ['expect:\n  - received: [message]\n', 'field~=pattern'],
])('refuses the file %j', async (text, message) => {
  const file = join(temporaryFolder(), 'scenario.yaml');
  writeFileSync(file, text);
  const { code, err } = await runStub(['--scenario', file], []);
  expect(code).toBe(64);
  expect(err).toContain(file);
  expect(err).toContain(message);
});

test('refuses a file that is not there', async () => {
  expect(await runStub(['--expect', '/nowhere/expect.yaml'], [])).toMatchObject({
    code: 64,
    err: expect.stringContaining('cannot use /nowhere/expect.yaml'),
  });
});

test('--verbose prints each request with the status of its response, as the journal has it with --json', async () => {
  const { out } = await runStub(['--verbose', '--mode', 'refuse'], ['Hello']);
  expect(out).toContain('\nPOST /publish 500 {"MSISDN":"+237650393369","message":"Hello"}\n');
  const [, line = ''] = (await runStub(['--verbose', '--mode', 'refuse', '--json'], ['Hello'])).out.split(
    '\n',
  );
  expect(JSON.parse(line)).toMatchObject({
    method: 'POST',
    path: '/publish',
    status: 500,
    body: { message: 'Hello' },
  });
});

test('a stub is ready for `swob wait`, and its journal has no such request', async () => {
  const cli = createCli();
  const ended = cli.swob('stub', 'pcrf', '--port', '0', '--verbose');
  await cli.out.until('http:');
  const url = /http:[^"\s]+/.exec(cli.out.text)?.[0] ?? '';
  expect(await createCli().swob('wait', '--url', url, '--timeout', '10s')).toBe(0);
  const journal = async (): Promise<unknown> => (await fetch(`${url}/__journal`)).json();
  expect(await journal()).toEqual([]);
  await fetch(`${url}/__behaviour`, { method: 'POST', body: '{"mode":"hang"}' });
  const client = new AbortController();
  const response = fetch(`${url}/account/disconnect?session=1`, { signal: client.signal });
  await expect.poll(journal).toHaveLength(1);
  client.abort();
  await expect(response).rejects.toThrow();
  await cli.out.until('GET /account/disconnect (no response) {"session":"1"}');
  cli.signals.emit('SIGINT');
  expect(await ended).toBe(130);
});
