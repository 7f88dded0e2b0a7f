// Receives the RADIUS accounting of the configured NAS over UDP, and acknowledges it (RFC 2866). Used by the disconnect service to
// verify disconnects.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { AccountingEvent } from '../domain/wifi/accounting.ts';
import { type AccountingOutcome, accountingOutcomes } from '../domain/wifi/datagram-outcomes.ts';
import { messageOf, SwobError, systemErrorCode } from '../errors.ts';
import { bracketHost, canonicalIpv6, mappedIpv4 } from '../lib/net.ts';
import { addressOf, attributeTypes, integerOf, textOf } from './attributes.ts';
import { requestFault, sealAccountingResponse } from './authenticators.ts';
import { decodePacket, type Packet, packetCodes } from './packet.ts';

/** A configured NAS, or several with one secret. */
interface AccountedNas {
  /** The current secret. */
  secret(): Buffer;
}

export interface AccountingServerOptions {
  readonly host: string;
  /** 0 for a free port. */
  readonly port: number;
  /** All that are configured for that address. */
  readonly nasAt: (address: string) => readonly AccountedNas[];
  readonly record: (event: AccountingEvent) => void;
  /** Called when the socket fails later. */
  readonly failed: (reason: string) => void;
}

export interface AccountingServer {
  /** As bound. */
  readonly port: number;
  counts(): Readonly<Record<AccountingOutcome, number>>;
  close(): Promise<void>;
}

const statuses = new Map<number | undefined, AccountingEvent['status']>([
  [1, 'start'],
  [2, 'stop'],
  [3, 'interim'],
]);

/** Throws UNAVAILABLE for a port in use, CONFIG for another reason not to listen. */
export async function openAccountingServer(options: AccountingServerOptions): Promise<AccountingServer> {
  const { host, port, nasAt, record, failed } = options;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const counts = Object.fromEntries(accountingOutcomes.map((outcome) => [outcome, 0])) as Record<
    AccountingOutcome,
    number
  >;
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      const code = systemErrorCode(cause) === 'EADDRINUSE' ? 'UNAVAILABLE' : 'CONFIG';
      const where = `${bracketHost(host)}:${port}`;
      const message = `RADIUS accounting cannot listen on UDP ${where}: ${messageOf(cause)}; set [disconnect] host or accounting_port`;
      reject(new SwobError(code, message, { cause }));
    });
    socket.bind(port, host, resolve);
  });
  socket.removeAllListeners('error').on('error', (error) => failed(messageOf(error)));
  socket.on('message', (datagram, from) => {
    counts[receive(datagram, from)] += 1;
  });

  const receive = (datagram: Buffer, from: RemoteInfo): AccountingOutcome => {
    const address = canonicalAddress(from.address);
    const candidates = nasAt(address);
    if (candidates.length === 0) return 'unknown_nas';
    // A sender can write it into the header, and `send` throws for it.
    if (from.port === 0) return 'malformed';
    const decoded = decodePacket(datagram);
    if (decoded.kind !== 'packet') return 'malformed';
    const { packet, bytes } = decoded;
    if (packet.code !== packetCodes.accountingRequest) return 'code';
    const checked = candidates.map((nas) => ({ secret: nas.secret(), nas }));
    const faults = checked.map(({ secret }) => requestFault(bytes, secret));
    const sender = checked[faults.indexOf(undefined)];
    if (!sender) return faults.includes('message authenticator') ? 'message_authenticator' : 'authenticator';
    // Also when it says nothing of a session, because a NAS repeats what is not acknowledged.
    socket.send(sealAccountingResponse(packet, sender.secret), from.port, from.address, () => undefined);
    return recordEvent(packet, address, sender.nas);
  };

  const recordEvent = (packet: Packet, from: string, sender: AccountedNas): AccountingOutcome => {
    const status = statuses.get(integerOf(packet, attributeTypes.acctStatusType));
    const sessionId = textOf(packet, attributeTypes.acctSessionId);
    if (status === undefined || sessionId === undefined) return 'other';
    const mac = textOf(packet, attributeTypes.callingStationId);
    record({
      status,
      sessionId,
      ...(mac !== undefined && { mac }),
      addresses: [from, ...namedAddress(packet, sender)],
    });
    return status;
  };

  /** Only one of the sender's own section, so that no NAS reports the sessions of another. */
  const namedAddress = (packet: Packet, sender: AccountedNas): string[] => {
    const { nasIpAddress, nasIpv6Address } = attributeTypes;
    const named = addressOf(packet, nasIpAddress) ?? addressOf(packet, nasIpv6Address);
    return named !== undefined && nasAt(named).includes(sender) ? [named] : [];
  };

  return {
    port: socket.address().port,
    counts: () => ({ ...counts }),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function canonicalAddress(address: string): string {
  const canonical = canonicalIpv6(address.replace(/%.*/, ''));
  return canonical === undefined ? address : (mappedIpv4(canonical) ?? canonical);
}
