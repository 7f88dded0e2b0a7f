// The sessions of the NAS stub, and how a request names one. Used by nas.ts.

import { addressOf, attributeTypes, bytesOf, integerOf, textOf } from '../radius/attributes.ts';
import { type Packet, packetCodes } from '../radius/packet.ts';

/** A session of a Wi-Fi user, as a NAS knows it. */
export interface NasSession {
  readonly sessionId: string;
  readonly userName?: string;
  /** In any spelling. */
  readonly clientMac?: string;
}

/** Whether a request names a session at all (RFC 5176, section 3). */
export function isIdentified(packet: Packet): boolean {
  const { acctSessionId, userName, callingStationId } = attributeTypes;
  return [acctSessionId, userName, callingStationId].some((type) => bytesOf(packet, type) !== undefined);
}

/** Every attribute of the request that the session has must match (RFC 5176, section 3). */
export function sessionMatches(session: NasSession, packet: Packet): boolean {
  const { sessionId, userName, clientMac } = session;
  const isEqual = (type: number, own: string | undefined, normalise = (text: string) => text): boolean => {
    const given = textOf(packet, type);
    return given === undefined || own === undefined || normalise(given) === normalise(own);
  };
  return (
    isEqual(attributeTypes.acctSessionId, sessionId) &&
    isEqual(attributeTypes.userName, userName) &&
    isEqual(attributeTypes.callingStationId, clientMac, macDigits)
  );
}

function macDigits(text: string): string {
  return text.replace(/[^0-9a-f]/gi, '').toLowerCase();
}

/** The attributes of a request by name, for the journal. */
export function describeRequest(packet: Packet): Record<string, unknown> {
  const { attributes, identifier } = packet;
  const of = attributeTypes;
  const vendor = bytesOf(packet, of.vendorSpecific);
  const named = {
    identifier,
    user: textOf(packet, of.userName),
    session: textOf(packet, of.acctSessionId),
    mac: textOf(packet, of.callingStationId),
    nas_ip: addressOf(packet, of.nasIpAddress) ?? addressOf(packet, of.nasIpv6Address),
    client_ip: addressOf(packet, of.framedIpAddress) ?? addressOf(packet, of.framedIpv6Address),
    event_timestamp: integerOf(packet, of.eventTimestamp),
    vendor: vendor && vendor.length > 6 ? vendor.subarray(6).toString('utf8') : undefined,
    signed: bytesOf(packet, of.messageAuthenticator) !== undefined,
    attributes: attributes.map(({ type }) => type),
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

/** The answer by name, for the journal. @param cause the Error-Cause of a NAK */
export function describeAnswer(answer: Buffer, cause: number | undefined): Record<string, unknown> {
  const isCoa = answer[0] === packetCodes.coaAck || answer[0] === packetCodes.coaNak;
  const kind = cause === undefined ? 'ACK' : 'NAK';
  return {
    answer: `${isCoa ? 'CoA' : 'Disconnect'}-${kind}`,
    ...(cause !== undefined && { error_cause: cause }),
  };
}
