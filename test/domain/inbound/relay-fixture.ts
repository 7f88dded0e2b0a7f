// Payloads of strangers, and what has been relayed. Used by the tests of relaying.

import { versionedPayload } from '../../support/relay-payloads.ts';
import type { createFixture } from './publishing-fixture.ts';

export type Fixture = Awaited<ReturnType<typeof createFixture>>;

export const stranger = '+237650000009';
export const payload = () => versionedPayload(1).toString('base64');

/** Sender and text of each call to the RelaySMS Publisher. */
export const relayedTexts = ({ relayPublisher }: Fixture) =>
  relayPublisher.publish.mock.calls.map(([, number, text]) => [number, text]);
