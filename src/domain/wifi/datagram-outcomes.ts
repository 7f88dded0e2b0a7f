// What becomes of the datagrams that the RADIUS client and the server for accounting receive. Counted by them, and labels of metrics.

/**
 * Why the client dropped a datagram:
 * - `sender`: no request waits for an answer from that address and port
 * - `malformed`: it is not a packet, or a longer one than RADIUS allows
 * - `identifier`: no request with that identifier waits, such as for the second copy of an answer
 * - `code`: it is not an answer to that kind of request
 * - `authenticator`, `message_authenticator`: it was not made with the shared secret for this request
 */
export const dropReasons = [
  'sender',
  'malformed',
  'identifier',
  'code',
  'authenticator',
  'message_authenticator',
] as const;
export type DropReason = (typeof dropReasons)[number];

/**
 * What became of a datagram at the port for accounting:
 * - `start`, `interim`, `stop`: it was about a session
 * - `other`: it was about none, such as Accounting-On
 * - `unknown_nas`: no configured NAS has the address that it came from
 * - `malformed`, `code`: it is not a packet or came from port 0, to which no answer can be sent; it is no Accounting-Request
 * - `authenticator`, `message_authenticator`: it was not made with the secret of the NAS
 */
export const accountingOutcomes = [
  'start',
  'interim',
  'stop',
  'other',
  'unknown_nas',
  'malformed',
  'code',
  'authenticator',
  'message_authenticator',
] as const;
export type AccountingOutcome = (typeof accountingOutcomes)[number];
