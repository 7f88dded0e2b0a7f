// docs/protocol.md, L9 with the real binary: an attacker who can crash the gateway gains no further guesses.

import { expect, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { createInstallation } from './installation.ts';

test('wrong passwords rejected before kill -9 still count after the restart', async () => {
  const { folder } = await createInstallation();
  const phone = createPhone();
  const guess = async (gateway: string, user: string, password: string): Promise<string> =>
    pair(handshakeUrlOf(gateway, await openSession(gateway, user)), phone, password).catch(String);
  const statuses: string[] = [];
  for (const guesses of [3, 2, 1]) {
    const swob = await startSwob(['serve', 'gateway'], { cwd: folder });
    for (let n = 0; n < guesses; n++)
      statuses.push(await guess(swob.ready.gateway.url, 'alice', `guess ${n}`));
    swob.kill('SIGKILL');
    await swob.exit;
  }
  const wrong = expect.stringContaining('password: 401');
  expect(statuses).toEqual([...Array(5).fill(wrong), expect.stringContaining('password: 429')]);
});
