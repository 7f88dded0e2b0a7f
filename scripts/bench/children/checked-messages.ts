// The second baseline of C7: as fair-messages.ts, with the limits of the address and of the sender, four keys for each SMS, an SMS
// published once however often it arrives, three durable lines with checksums, and two log lines: the attempt is on disk before
// the SMS is posted, and a line that nobody waits for ends it. The same arguments.

import { Type } from 'typebox';
import { Pool } from 'undici';
import { canonicalSms, decryptWithKeys } from '../../../src/crypto/sms-cipher.ts';
import { smsId } from '../../../src/domain/inbound/sms-id.ts';
import { createLruCache } from '../../../src/lib/lru-cache.ts';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { numberOf, sharedKeyOf } from '../numbers.ts';
import { consumeLimits, createLoggingServer, msisdnOf } from './checks.ts';
import { serveFair } from './serve.ts';
import { openSharedAppend } from './shared-append.ts';

const [upstream = '', connections = '64', file = '', users = '0'] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: Number(connections), pipelining: 1 });
const appendReceipt = await openSharedAppend(file);
const appendAttempt = await openSharedAppend(`${file}-attempts`);
const keys = new Map(
  Array.from({ length: Number(users) }, (_, index) => [numberOf(index), sharedKeyOf(index)]),
);
/** Tried beside the key of the user, so that the time tells nothing of how many keys there are. */
const otherKeys = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
const receipts = createLruCache<{ readonly reply: string }>(100_000);
const { app, log } = createLoggingServer();

const body = Type.Object({
  text: Type.String({ maxLength: 40_000 }),
  MSISDN: Type.String({ maxLength: 64 }),
});
const refused = 'message cannot be published';

app.post<{ Body: { text: string; MSISDN: string } }>(
  '/sms/platform/gateway-client',
  { schema: { body } },
  async (request, reply) => {
    const { text } = request.body;
    const platform = 'gateway-client';
    reply.type('text/plain; charset=utf-8');
    const msisdn = msisdnOf(request.body.MSISDN);
    const canonical = canonicalSms(text);
    if (msisdn === undefined || canonical === undefined) return refused;
    consumeLimits([`sms:address:${request.ip}`, `sms:sender:${msisdn}`]);
    const id = smsId(msisdn, canonical);
    const receipt = receipts.get(id);
    if (receipt) return receipt.reply;
    const key = keys.get(msisdn);
    const message = key === undefined ? undefined : decryptWithKeys([key, ...otherKeys], text)[0];
    if (message === undefined) return refused;
    const history = [{ at: Date.now(), event: `received by ${platform}` }];
    const content = { platform, msisdn, text, message };
    await appendAttempt(withChecksum(JSON.stringify({ id, content, history })));
    const answer = await pool.request({
      method: 'POST',
      path: '/sms',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ MSISDN: msisdn, message }),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) return reply.code(502).send('the Publisher failed');
    const published = { reply: 'message published successfully' };
    const events = [...history, { at: Date.now(), event: 'published' }];
    await appendReceipt(withChecksum(JSON.stringify({ key: id, value: { ...published, history: events } })));
    receipts.set(id, published);
    void appendAttempt(withChecksum(JSON.stringify({ done: id })));
    log.info({ id, requestId: request.id }, 'published');
    return published.reply;
  },
);

await serveFair(app);
