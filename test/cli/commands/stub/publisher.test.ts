// `swob stub publisher` as a command line in the test process.

import { describe, expect, onTestFinished, test } from 'vitest';
import { createCli } from '../../harness.ts';

/** Starts `swob stub publisher …` on a free port; `lines` are those after the first. */
async function start(...options: string[]) {
  const cli = createCli();
  const exit = cli.swob('stub', 'publisher', '--port', '0', ...options);
  onTestFinished(async () => {
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
  });
  await cli.out.until('\n');
  const url = /http:\/\/[\d.:]+/.exec(cli.out.text)?.[0] ?? '';
  return {
    url,
    first: cli.out.text,
    lines: () => cli.out.text.split('\n').slice(1, -1),
    publish: (MSISDN: string, message: string, key?: string) =>
      fetch(url, {
        method: 'POST',
        headers: key === undefined ? {} : { 'idempotency-key': key },
        body: JSON.stringify({ MSISDN, message }),
      }),
  };
}

describe('swob stub publisher', () => {
  test('prints each message on one line, escaped for a terminal', async () => {
    const stub = await start();
    expect(stub.first).toBe(`publisher stub ready at ${stub.url}\n`);
    await stub.publish('+237650000001', 'g:a:::s:✓', '1');
    await stub.publish('+237650000001', 'g:a:::s:✓', '1');
    await stub.publish('1\t2', 'one\ntwo\tthree\u001b[2J\u202e');
    expect(stub.lines()).toEqual(['+237650000001\tg:a:::s:✓', '1 2\tone two three']);
  });

  test('prints each message as complete JSON', async () => {
    const stub = await start('--json', '--no-dedupe');
    expect(JSON.parse(stub.first)).toEqual({ url: stub.url });
    await stub.publish('1', 'one\ntwo\u001b[2J', 'k');
    await stub.publish('1', 'one\ntwo\u001b[2J', 'k');
    await stub.publish('2', '');
    expect(stub.lines().map((line): unknown => JSON.parse(line))).toEqual([
      { id: 'k', MSISDN: '1', message: 'one\ntwo\u001b[2J' },
      { id: 'k', MSISDN: '1', message: 'one\ntwo\u001b[2J' },
      { id: null, MSISDN: '2', message: '' },
    ]);
    expect(stub.lines().join()).not.toContain('\u001b');
  });

  test('fails as the options say', async () => {
    const stub = await start('--fail', '1/2');
    const statuses = [(await stub.publish('1', 'a')).status, (await stub.publish('1', 'b')).status];
    expect(statuses).toEqual([500, 200]);
    expect(stub.lines()).toEqual(['1\tb']);
    expect((await (await start('--mode', 'reject')).publish('1', 'a')).status).toBe(400);
  });

  test.each([
    [['--fail', '3/2']],
    [['--fail', 'x']],
    [['--mode', 'odd']],
    [['--ms', '-1']],
    [['--port', '65536']],
    [['surplus']],
  ])('refuses %j with 64', async (options) => {
    expect(await createCli().swob('stub', 'publisher', ...options)).toBe(64);
  });
});
