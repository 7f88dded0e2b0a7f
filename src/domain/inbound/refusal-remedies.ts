// What an operator can do about refused SMS, by reason. Used by message-admin.ts.

import type { RefusalReason } from './refused-sms.ts';

export const refusalRemedies: Readonly<Record<RefusalReason, string>> = {
  'not base64': 'nothing, if it is an ordinary SMS: a phone that forwards all SMS also forwards these',
  sender:
    'nothing, if it is of an alphanumeric or short sender; set [numbers] default_region for national numbers',
  test: 'nothing, unless a test was expected: start it with `swob seeds test` and send its id in time',
  duplicate:
    'nothing: it was published or kept before; two gateway clients may forward the same SIM or group',
  'address limit': 'raise [limits] sms if this client is a gateway phone with many senders',
  'sender limit': 'raise [limits] sms if this sender is no flood',
  'unknown number': 'have the user register this number, or check [dev_api] and [backend_publisher]',
  'not paired': 'have the user pair their phone: `swob sync qr <user>`',
  revoked:
    'have the user pair a phone again: `swob sync qr <user>`; `swob pairings list <user>` shows when it was revoked',
  'wrong key': 'have the user pair their phone again and resend',
  'no relay':
    'set [relay] url, if it is a payload of the RelaySMS app; otherwise none: it is an ordinary SMS',
  country: 'add the country of the sender to [relay] allow, if its payloads are to be relayed',
  'relay quota':
    'see `swob sms list` and `swob sms failed`: bring the RelaySMS Publisher back, or drop what it rejects; raise [publisher] max_kept for more payloads',
  evicted:
    'bring the RelaySMS Publisher back, or raise [publisher] max_kept; the sender has to send the SMS again',
  'parts limit': 'find out why the parts arrive incompletely: see `swob sms list` and `swob sms failed`',
  'unverified sender': 'restore the back end (`swob doctor`); phones of the senders resend',
};
