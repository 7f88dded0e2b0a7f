// The Error-Cause values of RADIUS answers in words (RFC 5176, section 3.6; RFC 5580 and 6677 add some). Used by the RADIUS
// backend, the stub of a NAS and the audit trail.

/** Of a session that the NAS does not know. */
export const sessionContextNotFound = 503;

const causes: ReadonlyMap<number, string> = new Map([
  [201, 'residual session context removed'],
  [202, 'invalid EAP packet (ignored)'],
  [401, 'unsupported attribute'],
  [402, 'missing attribute'],
  [403, 'NAS identification mismatch'],
  [404, 'invalid request'],
  [405, 'unsupported service'],
  [406, 'unsupported extension'],
  [407, 'invalid attribute value'],
  [501, 'administratively prohibited'],
  [502, 'request not routable (proxy)'],
  [sessionContextNotFound, 'session context not found'],
  [504, 'session context not removable'],
  [505, 'other proxy processing error'],
  [506, 'resources unavailable'],
  [507, 'request initiated'],
  [508, 'multiple session selection unsupported'],
  [509, 'location info required'],
  [601, 'response too big'],
]);

/** What an operator can do about some of them. */
const remedies: ReadonlyMap<number, string> = new Map([
  [401, 'the profile of its [nas] section may be the wrong one'],
  [402, 'the profile of its [nas] section may be the wrong one'],
  [403, 'nasIp of the token is not the address that the NAS knows itself by'],
  [405, 'the profile of its [nas] section may be the wrong one'],
  [501, 'allow Disconnect and CoA from the address of this machine at the NAS'],
]);

/** `503, session context not found`; `a cause that RFC 5176 does not have` for an unknown number. */
export function describeErrorCause(cause: number): string {
  const remedy = remedies.get(cause);
  const words = causes.get(cause) ?? 'a cause that RFC 5176 does not have';
  return `${cause}, ${words}${remedy === undefined ? '' : `; ${remedy}`}`;
}
