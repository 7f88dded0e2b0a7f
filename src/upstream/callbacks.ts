// Results for developers, posted to the URLs that they gave, which may be anyone's: nothing inside our own
// network is ever called for them unless the operator allows it. Used by outgoing SMS.

import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import fetch from 'node-fetch';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';
import { signWebhook, webhookKey } from '../crypto/webhook-signature.ts';
import { callbackUrlFault } from '../domain/callback-url.ts';
import type { Clock } from '../domain/ports.ts';
import type { CallbackSender } from '../domain/upstreams.ts';
import { SwobError } from '../errors.ts';
import { fetchReason } from './fetch-reason.ts';

/** All addresses of a host name. */
type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

export interface CallbackSenderOptions {
  /** Callbacks are signed with it; empty: they are not. */
  readonly secret: string;
  /** What may be called although it is not public: host names, addresses, CIDR ranges. */
  readonly allow: readonly string[];
  /** Milliseconds from looking the name up to the status of the answer; 10 s unless given. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  /** The system's resolver unless given. */
  readonly lookup?: Lookup;
}

/**
 * Sends callbacks by the Standard Webhooks convention. Only the status of an answer counts; its body is dropped
 * unread, and no redirect is followed. A host name is looked up once a callback, and what was found is what is
 * checked and called. No error quotes more of a URL than scheme, host and port. Throws CONFIG when the secret
 * cannot be used.
 */
export function createCallbackSender(options: CallbackSenderOptions): CallbackSender {
  const { secret, allow, timeoutMs = 10_000, clock, lookup = lookUpAll } = options;
  const allowed = createAllowList(allow);
  /** What breaks off each call under way. */
  const underWay = new Set<() => void>();
  // A secret that is none is told at the start, not callback by callback.
  if (secret !== '') webhookKey(secret);

  const post = async (target: URL, id: string, body: string, signal: AbortSignal): Promise<number> => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const addresses = family === 0 ? await lookup(host) : [{ address: host, family }];
    // node-fetch would destroy the body with an error that nobody listens for.
    signal.throwIfAborted();
    const agent = createAgent(target.protocol, addresses, (address) => allowed(host, address));
    const timestamp = Math.floor(clock.now() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'swob',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(secret !== '' && { 'webhook-signature': signWebhook(secret, id, timestamp, body) }),
    };
    const response = await fetch(target.href, {
      method: 'POST',
      headers,
      body,
      agent,
      signal,
      redirect: 'manual',
      compress: false,
    });
    // Unread, its socket would stay open.
    if (response.body instanceof Readable) response.body.destroy();
    return response.status;
  };

  return {
    send: async (id, { url, body }) => {
      const fault = callbackUrlFault(url);
      if (fault !== undefined) throw new SwobError('REFUSED', `a callback URL ${fault}`);
      const target = new URL(url);
      const name = `the callback to ${target.protocol}//${target.host}`;
      const controller = new AbortController();
      let cancel = (): void => undefined;
      let breakOff = (): void => undefined;
      // Looking a name up cannot be aborted, so it is left behind.
      const givenUp = new Promise<never>((_resolve, reject) => {
        const giveUp = (why: string): void => {
          controller.abort();
          reject(new SwobError('UPSTREAM', `${name} was ${why}`));
        };
        cancel = clock.after(timeoutMs, () => giveUp(`not answered within ${timeoutMs} ms`));
        breakOff = () => giveUp('broken off: swob is stopping');
      });
      underWay.add(breakOff);
      try {
        const status = await Promise.race([post(target, id, body, controller.signal), givenUp]);
        if (status < 200 || status >= 300) throw new SwobError('UPSTREAM', `${name} was answered ${status}`);
      } catch (error) {
        throw error instanceof SwobError ? error : failure(name, error);
      } finally {
        cancel();
        underWay.delete(breakOff);
      }
    },
    close: () => {
      for (const breakOff of underWay) breakOff();
    },
  };
}

/**
 * Connects to these addresses alone, and to none at all when one of them is neither public nor allowed. Beside
 * an allowed address the others are not needed: `localhost` is 127.0.0.1 for one who allowed just that.
 */
function createAgent(
  protocol: string,
  addresses: readonly LookupAddress[],
  isAllowed: (address: LookupAddress) => boolean,
) {
  const allowed = addresses.filter(isAllowed);
  const used = allowed.length > 0 ? allowed : addresses;
  const pinned: LookupFunction = (_host, { all }, callback) => {
    const [first] = used;
    if (all || !first) callback(null, [...used]);
    else callback(null, first.address, first.family);
  };
  const Agent = protocol === 'https:' ? RequestFilteringHttpsAgent : RequestFilteringHttpAgent;
  return new Agent({
    lookup: pinned,
    // Addresses and not the operator's ranges: the agent writes a warning to stderr for each range of the other family.
    allowIPAddressList: allowed.map(({ address }) => address),
    denyIPAddressList: used.filter(isUnassigned).map(({ address }) => address),
  });
}

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** The agent takes IPv6 of no known purpose for public, `::127.0.0.1` among it. */
function isUnassigned({ address, family }: LookupAddress): boolean {
  return family === 6 && !globalUnicast.check(address, 'ipv6');
}

function createAllowList(entries: readonly string[]): (host: string, address: LookupAddress) => boolean {
  const names = new Set<string>();
  const networks = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address);
    if (family === 0) names.add(entry.toLowerCase());
    else if (prefix === undefined) networks.addAddress(address, typeOf(family));
    else networks.addSubnet(address, Number(prefix), typeOf(family));
  }
  return (host, { address, family }) => names.has(host) || networks.check(address, typeOf(family));
}

const typeOf = (family: number): 'ipv4' | 'ipv6' => (family === 6 ? 'ipv6' : 'ipv4');

const lookUpAll: Lookup = (host) => promisify(systemLookup)(host, { all: true });

function failure(name: string, error: unknown): SwobError {
  // The agent's own error has no code.
  if (error instanceof Error && error.message.includes(' is not allowed. Because')) {
    const how = 'its address is not public, and [outgoing] callback_allow does not list it';
    return new SwobError('REFUSED', `${name} is not sent: ${how}`);
  }
  return new SwobError('UPSTREAM', `${name} failed: ${fetchReason(error, 0)}`);
}
