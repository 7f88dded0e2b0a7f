// The PCRF, which ends Wi-Fi sessions. Used by the disconnect service.

import { serviceUrl } from '../domain/addresses.ts';
import type { WifiSession } from '../domain/model.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Pcrf } from '../domain/upstreams.ts';
import { messageOf, SwobError } from '../errors.ts';
import { createConnections, type PoolUsage } from './connections.ts';
import { type Answer, ExchangeError, exchange, type Failure } from './exchange.ts';

const maxBodyBytes = 64 * 1024;
/** Characters of the PCRF's own words that are passed on. */
const maxWords = 200;
/** Nothing may come compressed: a small body could then be a large one. */
const headers = { accept: 'application/json', 'accept-encoding': 'identity' };

export interface PcrfOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds for one call, from connecting to the last byte; waiting for a connection is not in it. */
  readonly timeoutMs: number;
  readonly pool: {
    /** Connections that are kept open, so that the first calls find one. */
    readonly min: number;
    /** Connections at most, and so calls at a time. */
    readonly max: number;
    /** Milliseconds that a call waits for one of them. */
    readonly waitTimeoutMs: number;
  };
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A client of the PCRF. What the PCRF answers is not documented: 2xx is success unless its JSON says otherwise.
 * Throws CONFIG when the host is none.
 */
export function createPcrf(options: PcrfOptions): Pcrf & { usage(): PoolUsage } {
  const { host, port, timeoutMs, pool, clock, log } = options;
  const origin = serviceUrl('http', host, port);
  if (!/^[\w.:-]+$/.test(host) || !URL.canParse(origin)) {
    throw new SwobError('CONFIG', `[pcrf] host: ${host} is not a host name or address`);
  }
  const name = `the PCRF at ${origin.slice('http://'.length)}`;
  const connections = createConnections({
    name: 'PCRF',
    ...pool,
    host,
    port,
    origin,
    connectTimeoutMs: timeoutMs,
    clock,
    log,
  });

  return {
    disconnect: async (session) => {
      const path = disconnectPath(session);
      const answer = await connections
        .use((client) => exchange(client, { path, headers, timeoutMs, maxBodyBytes, clock }))
        .catch((error: unknown) => {
          throw error instanceof ExchangeError ? failed(name, error.failure, timeoutMs) : error;
        });
      const objection = objectionIn(answer);
      if (objection !== undefined) throw new SwobError('UPSTREAM', `${name} ${objection}`);
    },
    usage: () => connections.usage(),
    close: () => connections.close(),
  };
}

/** Order and spelling are those of the existing service; every value stays one parameter, whatever it holds. */
function disconnectPath({ sessionId, nasIp, vrf, clientMac }: WifiSession): string {
  try {
    const [session, nas, vrfName, mac] = [sessionId, nasIp, vrf, clientMac].map(encodeURIComponent);
    return `/account/disconnect?session=${session}&nas_ip=${nas}&vrf=${vrfName}&single=false&mac=${mac}&remove_mac=true`;
  } catch (error) {
    // A lone surrogate, which has no UTF-8.
    throw new SwobError('BAD_INPUT', `a value of the session is not well-formed text: ${messageOf(error)}`);
  }
}

function failed(name: string, failure: Failure, timeoutMs: number): SwobError {
  switch (failure.kind) {
    case 'timeout':
      return new SwobError('TIMEOUT', `${name} did not answer within ${timeoutMs} ms`);
    case 'too large':
      return new SwobError('UPSTREAM', `${name} sent an answer over ${maxBodyBytes} bytes`);
    case 'unreachable':
      return new SwobError('UPSTREAM', `${name} is unreachable (${failure.code})`);
    case 'broken':
      return new SwobError('UPSTREAM', `${name} broke its answer off (${failure.code})`);
  }
}

/** What stands against success in an answer; undefined when nothing does. */
function objectionIn(answer: Answer): string | undefined {
  const { status } = answer;
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return `answered ${status} with a compressed body, which was not asked for`;
  const text = new TextDecoder().decode(answer.body);
  const parsed = parse(text);
  const words = complaintIn(parsed);
  if (status >= 300 && status < 400) return `answered ${status}, a redirect, which is not followed`;
  if (status < 200 || status >= 300) return words ? `answered ${status}: ${words}` : `answered ${status}`;
  if (text.trim() === '') return undefined;
  if (parsed === undefined) return `answered ${status} with a body that is not JSON`;
  if (parsed === false) return 'refused: false';
  return words === undefined ? undefined : `refused: ${words}`;
}

/** What a JSON body complains of: members that say no, in words where it has some. */
function complaintIn(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { success, fail, error }: { success?: unknown; fail?: unknown; error?: unknown } = parsed;
  const complaint = [fail, error].find(isComplaint);
  if (complaint !== undefined) return printable(complaint);
  return success === false || success === 'false' ? 'it gives no reason' : undefined;
}

/** Bodies of success hold `"error": null`, `"error": 0` and the like too. */
function isComplaint(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const oneLine = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return [...oneLine].slice(0, maxWords).join('') || 'it gives no reason';
}

/** The JSON value; undefined when it is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
