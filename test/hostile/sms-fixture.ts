// A good SMS, the response to a refused one, and the check that the gateway still works.

import { expect } from 'vitest';
import { type Messaging, msisdn } from '../support/messaging.ts';
import type { TextResponse } from '../support/phone.ts';

export const message = 'g:to@example.org:cc:bcc:subject:body';
export const notPublished = [200, 'message cannot be published'];
export const statusAndText = ({ status, text }: TextResponse) => [status, text];

/** Expects the next good SMS to be published, and no other message. */
export async function expectService({ publisher, send }: Messaging, already = 0): Promise<void> {
  expect(publisher.messages()).toHaveLength(already);
  expect(statusAndText(await send(message))).toEqual([200, 'message published successfully']);
  expect(publisher.messages().at(-1)).toMatchObject({ MSISDN: msisdn, message });
}
