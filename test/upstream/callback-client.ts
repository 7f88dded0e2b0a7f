// A callback sender for tests, a server that it calls, and resolvers and connections that are fake.

import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { CallbackSender } from '../../src/domain/outgoing/ports.ts';
import { type CallbackSenderOptions, createCallbackSender } from '../../src/upstream/callbacks.ts';
import { type HostileServer, startHostileServer } from './hostile-server.ts';

/** JSON with characters of every length in UTF-8. */
export const body = '{"uuid":"1","errors":[],"text":"é很好 👍"}';

export function createSender(options: Partial<CallbackSenderOptions> = {}): CallbackSender {
  return createCallbackSender({ secret: '', allow: [], clock: systemClock, ...options });
}

/** At 127.0.0.1, for posts to `/hook`. */
export function startHook(
  handler: (response: ServerResponse) => void = (response) => void response.end(),
): Promise<HostileServer> {
  return startHostileServer({ 'POST /hook': handler });
}

/** A resolver that returns these lists one after the other, and the last one from then on; `lookups` are the names. */
export function createResolver(...lists: readonly (readonly string[])[]) {
  const lookups: string[] = [];
  const lookup = async (host: string) => {
    const addresses = lists[Math.min(lookups.length, lists.length - 1)] ?? [];
    lookups.push(host);
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { lookups, lookup };
}

interface ConnectOptions {
  readonly host: string;
  readonly lookup: (
    host: string,
    options: object,
    callback: (error: Error | null, found?: { address: string }[]) => void,
  ) => void;
}

/** Fails every connection of this process before it opens; returns the addresses that it would have tried. */
export function catchConnections(): string[][] {
  const targets: string[][] = [];
  const spy = vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (
    this: Socket,
    ...args: unknown[]
  ) {
    // net.connect() passes its options on in an array, tls.connect() unchanged.
    const [options] = args.flat() as [ConnectOptions];
    const end = (error: Error | null, found: { address: string }[] = []): void => {
      if (!error) targets.push(found.map(({ address }) => address));
      // Like a real connection: not before the caller can add listeners.
      const cause = error ?? Object.assign(new Error('caught'), { code: 'ECAUGHT' });
      process.nextTick(() => this.destroy(cause));
    };
    if (/^[\d.]+$|:/.test(options.host)) end(null, [{ address: options.host }]);
    else options.lookup(options.host, { all: true }, end);
    return this;
  });
  onTestFinished(() => spy.mockRestore());
  return targets;
}
