// `swob sms outgoing list`, `show` and `cancel` against the real gateway, whose SMS wait for their time: its broker is not needed.

import { expect, test } from 'vitest';
import { post } from '../../../support/phone.ts';
import { startMessagingCli } from './gateway.ts';

const number = '+237650393369';

async function startWithScheduled(recipients: number) {
  const setup = await startMessagingCli({ set: ['broker.url=amqp://127.0.0.1:1'] });
  const data = Array.from({ length: recipients }, (_, n) => ({ number, text: `hello ${n}` }));
  const schedule_at = new Date(setup.clock.now() + 3_600_000).toISOString();
  const body = { auth_id: 'dev1', auth_key: 'key', uuid: 'mine', data, schedule_at };
  const response = await post(`${setup.gateway}/v1/sms`, body);
  expect(response.status).toBe(200);
  const ids: string[] = JSON.parse(response.text).messages.map(({ id }: { id: string }) => id);
  const outgoing = (...words: string[]) => setup.swob(['sms', 'outgoing', ...words]);
  return { ...setup, ids, outgoing, schedule_at };
}

test('SMS are listed with what they wait for, by filters, and one is shown', async () => {
  const { outgoing, ids, schedule_at } = await startWithScheduled(2);
  const [first = ''] = ids;
  const list = await outgoing('list', '--auth-id', 'dev1', '--state', 'queued', '--since', '1m');
  expect(
    list.out.split('\n').filter((line) => line.includes(`queued: waits until ${schedule_at}`)),
  ).toHaveLength(2);
  expect((await outgoing('list', '--auth-id', 'dev2')).err).toContain('no such SMS');
  const json = await outgoing('list', '--request', 'mine', '--msisdn', number, '--json', '--limit', '1');
  expect(json.values()).toMatchObject([{ auth_id: 'dev1', state: 'queued', parts: 1, encoding: 'GSM-7' }]);
  const shown = await outgoing('show', first);
  expect(shown.out).toContain(`state: queued: waits until ${schedule_at}\n`);
  expect(shown.out).toContain('operator_name: MTN Cameroon\n');
  expect((await outgoing('show', '99')).exit).toBe(1);
});

test('SMS are cancelled by id or by request, once; a dry run cancels none', async () => {
  const { outgoing, ids } = await startWithScheduled(3);
  const [first = ''] = ids;
  expect((await outgoing('cancel', '--request', 'mine', '--dry-run')).out).toBe(
    'dry run: 3 would be cancelled\n',
  );
  expect((await outgoing('cancel', first, '--dry-run', '--json')).values()).toEqual([
    { dryRun: true, cancelled: 1 },
  ]);
  expect((await outgoing('list', '--state', 'cancelled', '--json')).values()).toEqual([]);
  expect((await outgoing('cancel', first)).out).toBe('1\n');
  expect((await outgoing('cancel', first)).out).toBe('1\n');
  expect((await outgoing('cancel', '--request', 'mine', '--auth-id', 'dev2')).out).toBe('0\n');
  expect((await outgoing('cancel', '--request', 'mine')).out).toBe('2\n');
  expect((await outgoing('list', '--state', 'cancelled', '--json')).values()).toHaveLength(3);
  expect((await outgoing('cancel', '99')).exit).toBe(1);
  expect((await outgoing('cancel')).err).toContain('give ids of SMS, or --request <uuid>');
});
