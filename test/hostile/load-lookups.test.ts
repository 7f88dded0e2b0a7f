// docs/protocol.md, L3 and L4: long lists of numbers, without credentials. In a process of its own, whose event loop is asked.

import { expect, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { processorSeconds, unitEnvironment } from '../support/load.ts';
import { get, post } from '../support/phone.ts';
import { connectTo, request } from './raw.ts';

/** Of the country with the largest table. */
const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ number: `+55119${60_000_000 + from + index * 7_919}` }));

test('L3 lookups of a thousand numbers do not block the event loop; more get 429', async () => {
  const args = ['serve', 'gateway', '--set', 'api.port=0', '--set', 'websocket.port=1'];
  const swob = await startSwob<{ gateway: { url: string } }>(args, {
    cwd: temporaryFolder(),
    env: unitEnvironment,
  });
  const { url } = swob.ready.gateway;
  const operators = `${url}/v1/sms/operators`;
  const used = processorSeconds(swob);
  let done = false;
  const lists = Promise.all([post(operators, numbers(1_000)), post(operators, numbers(1_000, 1))]).finally(
    () => {
      done = true;
    },
  );
  let probes = 0;
  for (; !done; probes++) await get(`${url}/livez`);
  const responses = await lists;
  expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  // With the table parsed for each number it was 12 s, in which one or two probes had a response.
  expect(processorSeconds(swob) - used).toBeLessThan(5);
  expect(probes).toBeGreaterThanOrEqual(5);
  const more = await post(operators, numbers(1));
  expect(more).toMatchObject({ status: 429, text: expect.stringMatching(/^too many numbers looked up/) });
  expect(Number(more.headers.get('retry-after'))).toBeGreaterThan(0);

  const socket = await connectTo(url);
  const body = JSON.stringify(numbers(1_000));
  socket.write(request('POST', '/v1/sms/operators', [`Content-Length: ${body.length}`], body));
  socket.destroy();
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});
