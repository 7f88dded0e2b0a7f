// The commands that change messages, with several ids of which some fail.

import { expect, test } from 'vitest';
import { createCli, startGateway } from '../../harness.ts';

const env = { SWOB_TOKEN: 'an-admin-token-of-the-test' };
const faults: Readonly<Record<string, number>> = { gone: 404, late: 409, bad: 400, down: 503 };

/** Changes all messages but those whose id is that of a fault. */
async function startMessages() {
  const changed: string[] = [];
  const gateway = await startGateway(({ path }) => {
    const id = path.replace('/retry', '').split('/').at(-1) ?? '';
    const status = faults[id];
    if (status !== undefined) return { status, body: `no: ${id}` };
    changed.push(id);
    return { body: JSON.stringify({ id, state: 'cancelled' }) };
  });
  return { ...gateway, changed };
}

test.each(['sms drop', 'sms retry', 'sms outgoing cancel'])(
  '%s changes the others, prints how many, and names those that failed',
  async (command) => {
    const { url, changed } = await startMessages();
    const cli = createCli({ env });
    const ids = ['1', 'gone', 'late', '2', 'bad', '3'];
    expect(await cli.swob(...command.split(' '), ...ids, '--url', url)).toBe(65);
    expect(changed).toEqual(['1', '2', '3']);
    expect(cli.out.text).toBe('3\n');
    expect(cli.err.text).toBe(
      [
        'swob: failed for 3 of 6 ids:',
        '  gone: the gateway responded with 404: no: gone',
        '  late: the gateway responded with 409: no: late',
        '  bad: the gateway responded with 400: no: bad',
        '',
      ].join('\n'),
    );
  },
);

test.each([
  ['sms drop', 'dropped'],
  ['sms retry', 'retried'],
  ['sms outgoing cancel', 'cancelled'],
])('%s stops where the gateway fails, and prints how many were changed before', async (command, member) => {
  const { url, changed } = await startMessages();
  const cli = createCli({ env });
  const ids = ['1', 'gone', 'down', '2'];
  expect(await cli.swob(...command.split(' '), ...ids, '--json', '--url', url)).toBe(75);
  expect(changed).toEqual(['1']);
  expect(cli.values()).toEqual([{ [member]: 1 }]);
  expect(JSON.parse(cli.err.text)).toMatchObject({
    error: {
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        /^failed for 2 of 4 ids, and did not try the last 1:\n {2}gone: .*\n {2}down: /,
      ),
    },
  });
});

test('nothing but the error is printed when no message was changed', async () => {
  const { url } = await startMessages();
  for (const ids of [['gone'], ['gone', 'late']]) {
    const cli = createCli({ env });
    expect(await cli.swob('sms', 'drop', ...ids, '--url', url)).toBe(1);
    expect(cli.out.text).toBe('');
    expect(cli.err.text).toMatch(ids.length === 1 ? /^swob: the gateway/ : /^swob: failed for 2 of 2 ids:\n/);
  }
});

test('a failure after the first part of all messages leaves the count of that part', async () => {
  let calls = 0;
  const { url } = await startGateway(() =>
    ++calls === 1 ? { body: '{"retried":500,"left":100}' } : { status: 503, body: 'full' },
  );
  const cli = createCli({ env });
  expect(await cli.swob('sms', 'retry', '--all', '--url', url)).toBe(75);
  expect(cli.out.text).toBe('500\n');
});
