import { expect, test } from 'vitest';
import { get, post } from '../../../support/phone.ts';
import { startTestServices } from '../../../support/services.ts';
import { createCli, createSteppingClock, startGateway } from '../../harness.ts';

const msisdn = '+237650000001';
const sender = '+237690826242';

test('starts a test, waits for its SMS, and lists the reliability', async () => {
  const { gateway, clock } = await startTestServices({ names: ['gateway'], set: ['seeds.expiry=1h'] });
  const at = ['--url', gateway];
  const missing = createCli();
  expect(await missing.swob('seeds', 'test', msisdn, ...at)).toBe(1);
  expect(missing.err.text).toContain(`${msisdn} is no gateway client`);

  await post(`${gateway}/seeds/ping`, { IMSI: '624010000000001', MSISDN: msisdn, seed_type: 'seed' });
  clock.advance(1_000);
  const started = createCli();
  expect(await started.swob('seeds', 'test', msisdn, '--sender', sender, ...at)).toBe(0);
  const id = started.out.text.trim();
  expect(id).toMatch(/^\d{10}$/);
  expect(started.err.text).toBe(`send an SMS with the text ${id} to ${msisdn}\n`);
  clock.advance(9_000);
  await post(`${gateway}/v3/publish`, { text: id, address: sender });
  const { data } = JSON.parse((await get(`${gateway}/v3/clients/${msisdn}/tests`)).text);
  expect(data).toMatchObject([{ id: Number(id), status: 'success' }]);

  clock.advance(1_000);
  const listed = createCli({ clock });
  expect(await listed.swob('seeds', 'reliability', ...at)).toBe(0);
  expect(listed.out.text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['MSISDN', 'COUNTRY', 'OPERATOR', 'RELIABILITY', 'LAST SEEN'],
    [msisdn, 'Cameroon', 'MTN Cameroon', '100.00', '1s ago'],
    [''],
  ]);
  const json = createCli();
  expect(await json.swob('seeds', 'reliability', '--json', ...at)).toBe(0);
  expect(json.values()).toEqual([[expect.objectContaining({ msisdn, reliability: '100.00' })]]);
});

/** A gateway whose test has these statuses, one for each poll. */
const gatewayOf = (statuses: string[], routed: number | null) =>
  startGateway(({ path }) => {
    if (!path.includes('?')) return { body: '{"message":"","test_id":1234567890,"test_start_time":100}' };
    const status = statuses.shift() ?? 'pending';
    if (status === 'restarting') return { status: 503, body: 'stopping' };
    return { body: JSON.stringify({ data: [{ id: 1_234_567_890, status, sms_routed_time: routed }] }) };
  });

test('--wait polls until the SMS has arrived, or exits with 1', async () => {
  const { url, requests } = await gatewayOf(['pending', 'restarting', 'success'], 130);
  const clock = createSteppingClock();
  const cli = createCli({ clock });
  expect(await cli.swob('seeds', 'test', msisdn, '--wait', '--url', url)).toBe(0);
  expect(cli.out.text).toBe('success after 30 s\n');
  expect(clock.waits.filter((ms) => ms === 2_000)).toHaveLength(3);
  expect(cli.err.text).toContain('503: stopping');
  expect(requests[0]).toMatchObject({ method: 'POST', path: '/v3/clients/%2B237650000001/tests' });

  const late = await gatewayOf(['timedout'], null);
  const lost = createCli({ clock: createSteppingClock() });
  expect(await lost.swob('seeds', 'test', msisdn, '--wait', '--json', '--url', late.url)).toBe(1);
  expect(lost.values()[0]).toMatchObject({ id: 1_234_567_890, status: 'timedout' });

  const never = await gatewayOf([], null);
  const endless = createCli({ clock: createSteppingClock() });
  expect(await endless.swob('seeds', 'test', msisdn, '--wait', '--url', never.url)).toBe(75);
});

test('says so when the server is not a gateway', async () => {
  const { url } = await startGateway(() => ({ body: '{}' }));
  for (const words of [
    ['seeds', 'test', msisdn],
    ['seeds', 'reliability'],
  ])
    expect(await createCli().swob(...words, '--url', url)).toBe(69);
});
