// Ends sessions by RADIUS Disconnect-Request at the configured NAS (RFC 5176). Used by the disconnect service and `swob radius`.

import type { Clock } from '../domain/shared/ports.ts';
import { describeErrorCause, sessionContextNotFound } from '../domain/wifi/error-causes.ts';
import type { WifiSession } from '../domain/wifi/model.ts';
import {
  identifiersOf,
  missingClaims,
  type NasIdentifier,
  type NasProfile,
  notRemoved,
} from '../domain/wifi/nas-profiles.ts';
import type { BackendDetails, BackendResult, DisconnectBackend } from '../domain/wifi/ports.ts';
import { bracketHost } from '../lib/net.ts';
import {
  addressAttribute,
  attributeTypes,
  integerAttribute,
  integerOf,
  textAttribute,
} from '../radius/attributes.ts';
import type { RadiusClient, RadiusResult } from '../radius/client.ts';
import { type Attribute, type Packet, packetCodes } from '../radius/packet.ts';

/** A configured NAS. */
export interface NasTarget {
  /** Of its section: `branch` of `[nas branch]`; absent without a section. */
  readonly name?: string;
  readonly port: number;
  /** Empty: the system chooses. */
  readonly sourceAddress: string;
  readonly profile: NasProfile;
  readonly timeoutMs: number;
  readonly retries: number;
  /** The current secret. */
  secret(): Buffer;
}

export interface RadiusNasOptions {
  readonly client: Pick<RadiusClient, 'request'>;
  /** Undefined when no NAS is configured for that address and VRF. */
  readonly find: (nasIp: string, vrf: string) => NasTarget | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

export function createRadiusBackend({ client, find, clock }: RadiusNasOptions): DisconnectBackend {
  return {
    name: 'radius',
    disconnect: async (session) => {
      const nas = find(session.nasIp, session.vrf);
      // Tokens for other addresses are refused before.
      if (!nas) return { kind: 'bad session', reason: `no [nas …] section has ${session.nasIp}` };
      return disconnectAtNas(client, nas, session, clock);
    },
  };
}

/** Sends one Disconnect-Request for the session to its NAS, and interprets the answer. */
export async function disconnectAtNas(
  client: Pick<RadiusClient, 'request'>,
  nas: NasTarget,
  session: WifiSession,
  clock: Pick<Clock, 'now'>,
): Promise<BackendResult> {
  const named = nas.name === undefined ? {} : { nas: nas.name };
  const label = `${nas.name === undefined ? 'the NAS' : `NAS ${nas.name}`} at ${bracketHost(session.nasIp)}:${nas.port}`;
  const missing = missingClaims(nas.profile, session);
  if (missing !== undefined) {
    const reason = `${label} needs ${missing} to find the session, which the token does not have`;
    return { kind: 'bad session', reason, attempts: 0, ...named };
  }
  const attributes = attributesFor(nas.profile, session, clock.now());
  if (!attributes) {
    const reason = `${label}: a value of the session is too long for RADIUS`;
    return { kind: 'bad session', reason, attempts: 0, ...named };
  }
  const result = await client.request({
    address: session.nasIp,
    port: nas.port,
    sourceAddress: nas.sourceAddress,
    secret: nas.secret(),
    code: packetCodes.disconnectRequest,
    attributes,
    timeoutMs: nas.timeoutMs,
    retries: nas.retries,
  });
  const details = { attempts: result.attempts, ...named };
  if (result.kind !== 'answer') return failureOf(label, nas, result, details);
  return outcomeOf(label, result.packet, { ...details, notDone: [notRemoved(nas.profile)] });
}

/** Undefined when a value does not fit into an attribute. */
function attributesFor(profile: NasProfile, session: WifiSession, nowMs: number): Attribute[] | undefined {
  try {
    const attributes = identifiersOf(profile, session).map(([name, value]) => encode(name, value));
    if (profile.serviceType !== undefined)
      attributes.push(integerAttribute(attributeTypes.serviceType, profile.serviceType));
    return [...attributes, integerAttribute(attributeTypes.eventTimestamp, Math.floor(nowMs / 1_000))];
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function encode(name: NasIdentifier, value: string): Attribute {
  const of = attributeTypes;
  switch (name) {
    case 'userName':
      return textAttribute(of.userName, value);
    case 'sessionId':
      return textAttribute(of.acctSessionId, value);
    case 'mac':
      return textAttribute(of.callingStationId, value);
    case 'clientIp':
      return addressAttribute({ ipv4: of.framedIpAddress, ipv6: of.framedIpv6Address }, value);
    case 'nasIp':
      return addressAttribute({ ipv4: of.nasIpAddress, ipv6: of.nasIpv6Address }, value);
  }
}

function outcomeOf(label: string, packet: Packet, details: BackendDetails): BackendResult {
  const errorCause = integerOf(packet, attributeTypes.errorCause);
  const known = { ...details, ...(errorCause !== undefined && { errorCause }) };
  if (packet.code === packetCodes.disconnectAck) return { kind: 'disconnected', ...known };
  const why = errorCause === undefined ? 'without an Error-Cause' : `(${describeErrorCause(errorCause)})`;
  const kind = errorCause === sessionContextNotFound ? 'already gone' : 'rejected';
  return { kind, reason: `${label} refused ${why}`, ...known };
}

function failureOf(
  label: string,
  { timeoutMs }: NasTarget,
  result: Exclude<RadiusResult, { readonly kind: 'answer' }>,
  details: BackendDetails,
): BackendResult {
  switch (result.kind) {
    case 'timeout':
      return {
        kind: 'timeout',
        reason: `${label} did not answer within ${timeoutMs} ms (${result.attempts} packets); check its address, port and secret, and that it allows this machine`,
        ...details,
      };
    case 'busy':
      return { kind: 'busy', reason: `all 256 identifiers for ${label} are in use; try again`, ...details };
    case 'closed':
      return { kind: 'stopping', reason: 'swob is shutting down', ...details };
    case 'unreachable':
      return { kind: 'unreachable', reason: `${label} is unreachable (${result.code})`, ...details };
    case 'too large':
      return { kind: 'bad session', reason: `${label}: the session is too long for RADIUS`, ...details };
  }
}
