// GET /seeds and GET /seeders: cached while nothing changes, and never older than the last ping.

import { expect, test } from 'vitest';
import { get, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const imsi = '624013000000001';
const msisdn = '+237671234567';

async function start() {
  const { gateway, clock } = await startTestServices();
  const list = async (path: 'seeds' | 'seeders') => JSON.parse((await get(`${gateway}/${path}`)).text);
  const ping = async (seed: object): Promise<number> => {
    const body = { IMSI: imsi, MSISDN: msisdn, seed_type: 'seed', ...seed };
    return Number((await post(`${gateway}/seeds/ping`, body)).text);
  };
  return { gateway, clock, list, ping };
}

test('each ping appears immediately in both lists, with its time, number and type', async () => {
  const { clock, list, ping } = await start();
  expect([await list('seeds'), await list('seeders')]).toEqual([[], []]);
  const first = await ping({});
  const shown = {
    IMSI: imsi,
    MSISDN: msisdn,
    seed_type: 'seed',
    LPS: first,
    country: 'Cameroon',
    operator_name: 'MTN Cameroon',
    operator_id: '62401',
  };
  expect([await list('seeds'), await list('seeders')]).toEqual([[shown], []]);

  clock.advance(1_500);
  const second = await ping({});
  expect(second).toBe(first + 1.5);
  expect(await list('seeds')).toEqual([{ ...shown, LPS: second }]);

  const third = await ping({ MSISDN: 'unknown', seed_type: 'seeder' });
  const moved = { ...shown, MSISDN: 'unknown', country: null, seed_type: 'seeder', LPS: third };
  expect([await list('seeds'), await list('seeders')]).toEqual([[moved], [moved]]);

  const other = '000000000000001';
  const fourth = await ping({ IMSI: other });
  const unknown = { ...shown, IMSI: other, operator_name: null, operator_id: null, LPS: fourth };
  expect([await list('seeds'), await list('seeders')]).toEqual([[moved, unknown], [moved]]);
});

test('every response of a list has its content type and length', async () => {
  const { gateway, ping } = await start();
  await ping({});
  for (let time = 0; time < 3; time++) {
    const response = await fetch(`${gateway}/seeds`);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(await response.text())));
  }
});
