// Outgoing SMS with their reviews and the sending of those that wait. Used by tests of waiting SMS and of faults.

import { vi } from 'vitest';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import { context, createFixture, request } from './outgoing-fixture.ts';

export function startFixture(
  options: Parameters<typeof createFixture>[0] = {},
): ReturnType<typeof createFixture> {
  const fixture = createFixture(options);
  fixture.messages.start();
  fixture.waiting?.start();
  return fixture;
}

/** Sends one SMS, and returns its message id. */
export async function sendOne(
  { outgoing }: ReturnType<typeof createFixture>,
  more: Partial<SendRequest> = {},
): Promise<string> {
  const { body } = await outgoing.send({ ...request, ...more }, context);
  return JSON.parse(body).messages[0].id;
}

/** Runs reviews until the assertion holds. */
export const eventually = ({ clock }: ReturnType<typeof createFixture>, assertion: () => unknown) =>
  vi.waitFor(async () => {
    clock.advance(1_000);
    await assertion();
  });
