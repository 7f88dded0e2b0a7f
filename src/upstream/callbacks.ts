// Posts results to URLs that developers have given. To prevent request forgery, addresses that are not public are called only if
// the operator allows them. Used by outgoing SMS.

import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import ipaddr from 'ipaddr.js';
import { signWebhook, webhookKey } from '../crypto/webhook-signature.ts';
import { callbackUrlFault } from '../domain/outgoing/callback-url.ts';
import type { CallbackResult, CallbackSender } from '../domain/outgoing/ports.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { systemErrorCode } from '../errors.ts';
import { unbracketHost } from '../lib/net.ts';
import { describeFailure, requestOnce } from './http-client.ts';
import { userAgent } from './user-agent.ts';

/** All addresses of a host name. */
type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

export interface CallbackSenderOptions {
  /** Signs the callbacks; empty for unsigned ones. */
  readonly secret: string;
  /** Host names, addresses and CIDR ranges that may be called although they are not public. */
  readonly allow: readonly string[];
  /** Milliseconds from the DNS lookup to the status of the response; 10 s unless given. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  /** The system's resolver unless given. */
  readonly lookup?: Lookup;
}

/**
 * Sends callbacks by the Standard Webhooks convention. Only the status of a response counts; its body is not read,
 * and no redirect is followed. A host name is looked up once per callback, and the addresses that were checked are
 * the ones that are called. No reason quotes more of a URL than scheme, host and port. Throws CONFIG when the secret
 * cannot be used.
 */
export function createCallbackSender(options: CallbackSenderOptions): CallbackSender {
  const { secret, allow, timeoutMs = 10_000, clock, lookup = lookUpAll } = options;
  const isAllowed = createAllowList(allow);
  /** Functions that interrupt the callbacks in flight. */
  const inFlight = new Set<() => void>();
  // An invalid secret fails here, at start, and not at each callback.
  if (secret !== '') webhookKey(secret);

  const post = async (
    name: string,
    target: URL,
    { id, body, signal }: { readonly id: string; readonly body: string; readonly signal: AbortSignal },
  ): Promise<CallbackResult> => {
    const failed = (why: string): CallbackResult => ({ kind: 'failed', reason: `${name} failed: ${why}` });
    const host = unbracketHost(target.hostname);
    let resolved: readonly LookupAddress[];
    try {
      resolved = await resolve(lookup, host);
    } catch (error) {
      return failed(`no valid response (${systemErrorCode(error) ?? 'lookup failed'})`);
    }
    if (signal.aborted) return failed('it was interrupted');
    const addresses = selectAddresses(resolved, (address) => isAllowed(host, address));
    if (!addresses) {
      const why = 'its address is not public, and [outgoing] callback_allow does not list it';
      return { kind: 'refused', reason: `${name} is not sent: ${why}` };
    }
    const timestamp = Math.floor(clock.now() / 1_000);
    const headers = {
      accept: '*/*',
      'content-type': 'application/json',
      'user-agent': userAgent,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(secret !== '' && { 'webhook-signature': signWebhook(secret, id, timestamp, body) }),
    };
    const limits = { timeoutMs, maxBodyBytes: 0 };
    const response = await requestOnce(target, {
      method: 'POST',
      headers,
      body,
      lookup: pinned(addresses),
      readsBody: () => false,
      signal,
      clock,
      ...limits,
    });
    if (response.kind !== 'response') return failed(describeFailure(response, limits));
    const { status } = response;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    return { kind: 'failed', reason: `${name} failed with status ${status}` };
  };

  return {
    send: async (id, { url, body }) => {
      const fault = callbackUrlFault(url);
      if (fault !== undefined) return { kind: 'refused', reason: `a callback URL ${fault}` };
      const target = new URL(url);
      const name = `the callback to ${target.protocol}//${target.host}`;
      const controller = new AbortController();
      let interruptWith: (result: CallbackResult) => void = () => {};
      const interrupted = new Promise<CallbackResult>((resolveWith) => {
        interruptWith = resolveWith;
      });
      const interrupt = (why: string): void => {
        controller.abort();
        interruptWith({ kind: 'failed', reason: `${name} was ${why}` });
      };
      const stop = (): void => interrupt('interrupted: swob is stopping');
      const cancel = clock.after(timeoutMs, () => interrupt(`not answered within ${timeoutMs} ms`));
      inFlight.add(stop);
      try {
        // A DNS lookup cannot be aborted, so its result is ignored.
        return await Promise.race([post(name, target, { id, body, signal: controller.signal }), interrupted]);
      } finally {
        cancel();
        inFlight.delete(stop);
      }
    },
    close: () => {
      for (const stop of inFlight) stop();
    },
  };
}

/**
 * The addresses to connect to; undefined when one of them is neither public nor allowed. Beside an allowed address the
 * others are not needed: `localhost` is 127.0.0.1 for an operator who allowed only that.
 */
function selectAddresses(
  addresses: readonly LookupAddress[],
  isAllowed: (address: LookupAddress) => boolean,
): readonly LookupAddress[] | undefined {
  const allowed = addresses.filter(isAllowed);
  if (allowed.length > 0) return allowed;
  return addresses.every(isPublic) ? addresses : undefined;
}

/** Connects to the checked addresses only: the name is not looked up again. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all || !first) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** ipaddr.js classifies unassigned IPv6 addresses as `unicast` too, `::127.0.0.1` among them. */
function isPublic({ address, family }: LookupAddress): boolean {
  if (ipaddr.parse(address).range() !== 'unicast') return false;
  return family !== 6 || globalUnicast.check(address, 'ipv6');
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

async function resolve(lookup: Lookup, host: string): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  return family === 0 ? lookup(host) : [{ address: host, family }];
}
