// The accounting of the NAS stub: reports to a server that a session has ended or continues. Used by nas.ts.

import type { Clock } from '../domain/shared/ports.ts';
import { attributeTypes, integerAttribute, textAttribute } from '../radius/attributes.ts';
import { createRadiusClient } from '../radius/client.ts';
import { type Attribute, type Packet, packetCodes } from '../radius/packet.ts';
import type { NasSession } from './nas-sessions.ts';

/** The values of Acct-Status-Type. */
const accountingStatuses = { start: 1, stop: 2, interim: 3 } as const;
export type AccountingStatus = keyof typeof accountingStatuses;

export interface AccountingTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

export interface NasAccounting {
  /** About the session of a request; resolves when it was acknowledged, or could not be sent. */
  ofRequest(status: AccountingStatus, packet: Packet): Promise<void>;
  /** @returns whether it was acknowledged */
  ofSession(status: AccountingStatus, session: NasSession): Promise<boolean>;
  close(): Promise<number>;
}

const timeoutMs = 5_000;
const retries = 3;
/** What a request has in common with the accounting of its session. */
const shared: readonly number[] = [
  attributeTypes.userName,
  attributeTypes.nasIpAddress,
  attributeTypes.nasIpv6Address,
  attributeTypes.callingStationId,
  attributeTypes.acctSessionId,
];

/** @param target undefined: nothing is sent */
export function createNasAccounting(
  target: AccountingTarget | undefined,
  secret: Buffer,
  clock: Pick<Clock, 'now' | 'after'>,
): NasAccounting {
  const client = createRadiusClient({ clock: { ...clock, monotonic: clock.now }, random: Math.random });
  const send = async (status: AccountingStatus, attributes: readonly Attribute[]): Promise<boolean> => {
    if (!target) return false;
    const result = await client.request({
      ...target,
      secret,
      code: packetCodes.accountingRequest,
      attributes: [
        integerAttribute(attributeTypes.acctStatusType, accountingStatuses[status]),
        ...attributes,
      ],
      timeoutMs,
      retries,
    });
    return result.kind === 'answer';
  };
  return {
    ofRequest: async (status, { attributes }) =>
      void (await send(
        status,
        attributes.filter(({ type }) => shared.includes(type)),
      )),
    ofSession: (status, { sessionId, userName, clientMac }) =>
      send(status, [
        textAttribute(attributeTypes.acctSessionId, sessionId),
        ...(userName === undefined ? [] : [textAttribute(attributeTypes.userName, userName)]),
        ...(clientMac === undefined ? [] : [textAttribute(attributeTypes.callingStationId, clientMac)]),
      ]),
    close: client.close,
  };
}

export function isAccountingStatus(value: unknown): value is AccountingStatus {
  return typeof value === 'string' && Object.hasOwn(accountingStatuses, value);
}
