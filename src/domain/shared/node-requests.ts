// Requests to all nodes that share the store: what a node knows alone, such as its log, is fetched from each of them when a page
// shows it. Without other nodes a request is a call. Used by the console's views and by app/compose.

import { messageOf } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { Clock, Log } from './ports.ts';

/** Delivers texts to the nodes that listen to a topic now; what it cannot deliver is lost. */
export interface NodeChannel {
  /** Rejects when it is not available. */
  publish(topic: string, text: string): Promise<void>;
  subscribe(topic: string, listener: (text: string) => void): { active(): Promise<void>; end(): void };
}

/** Another node, as its last heartbeat names it. */
export interface Peer {
  readonly name: string;
  /** Differs for each start of the process. */
  readonly instance: string;
}

/**
 * - `no response`: it did not respond in time
 * - `version`: it runs another version of swob, whose responses may differ
 * - `too much`: its response exceeds the bound
 * - `failed`: it could not find out
 */
type MissingReason = 'no response' | 'version' | 'too much' | 'failed';

/** A node whose knowledge is not in the result. */
export interface MissingNode {
  readonly node: string;
  readonly reason: MissingReason;
}

export interface NodeResponse<Response> {
  readonly node: string;
  readonly response: Response;
}

interface NodeResponses<Response> {
  /** This node's is the first. */
  readonly responses: readonly NodeResponse<Response>[];
  readonly missing: readonly MissingNode[];
}

interface ShareOptions {
  /** How long other nodes may take, in milliseconds; 500 unless given. */
  readonly timeoutMs?: number;
  /** How long their responses are reused for an equal request; 900 unless given, 0 for what changes something. */
  readonly reuseMs?: 0;
}

export type Share = <Request extends object, Response extends object>(
  topic: string,
  handle: (request: Request) => Response | Promise<Response>,
  options?: ShareOptions,
) => (request: Request) => Promise<NodeResponses<Response>>;

export interface NodeRequests {
  /**
   * Handles the requests of a topic, those of other nodes too. The function that it returns sends one to all nodes that have the
   * topic. Requests and responses become JSON. The function throws only what this node's own handler throws.
   */
  readonly share: Share;
  /** Begins to handle requests of other nodes. */
  start(): void;
  stop(): void;
}

export interface NodeRequestsDeps {
  /** Undefined for a process that shares its store with no other. */
  readonly channel: NodeChannel | undefined;
  readonly name: () => string;
  readonly instance: string;
  readonly version: string;
  /** The other nodes that are alive. Never rejects. */
  readonly peers: () => Promise<readonly Peer[]>;
  readonly clock: Clock;
  readonly log: Log;
}

const defaultTimeoutMs = 500;
const reuseMs = 900;
const maxRequest = 4_000;
const maxResponse = 1_000_000;
/** Characters of the responses that are reused. */
const maxReused = 8_000_000;
const maxReusedRequests = 256;
/** Requests of this node that wait for responses; further ones get none. */
const maxPending = 64;
/** Requests of other nodes that this one works on; further ones get no response. */
const maxHandling = 32;
/** The channel for responses is a connection, which is kept while requests are sent. */
const listenMs = 60_000;
const requestTopic = 'requests';
const responseTopic = (instance: string): string => `responses:${instance}`;

interface Pending {
  /** Names of the nodes that have not responded, by instance. */
  readonly waiting: Map<string, string>;
  readonly responses: { readonly node: string; readonly text: string }[];
  readonly missing: MissingNode[];
  readonly settle: () => void;
}

/** The responses of other nodes to one request, as JSON. */
type Others = Pick<Pending, 'responses' | 'missing'>;

export function createNodeRequests(deps: NodeRequestsDeps): NodeRequests {
  const { channel, name, instance, version, clock, log } = deps;
  const handlers = new Map<string, (request: object) => Promise<object>>();
  const pending = new Map<string, Pending>();
  const running = new Map<string, Promise<Others>>();
  const reused = createTtlCache<Others>(clock, reuseMs, maxReusedRequests, {
    max: maxReused,
    of: ({ responses }) => responses.reduce((sum, { text }) => sum + text.length, 0),
  });
  let lastId = 0;
  let handling = 0;
  let responseListener: ReturnType<NodeChannel['subscribe']> | undefined;
  let stopListening = (): void => {};
  let requestListener: ReturnType<NodeChannel['subscribe']> | undefined;

  const onResponse = (text: string): void => {
    // The response is JSON within JSON, whose quotes are escaped.
    if (text.length > 2 * maxResponse + 1_000) return;
    const message = tryParseJson(text);
    if (!isObject(message) || typeof message.id !== 'string' || typeof message.from !== 'string') return;
    const request = pending.get(message.id);
    if (!request) return;
    const node = typeof message.node === 'string' ? message.node : message.from;
    request.waiting.delete(message.from);
    if (message.version !== version) request.missing.push({ node, reason: 'version' });
    else if (typeof message.response === 'string' && isObject(tryParseJson(message.response)))
      request.responses.push({ node, text: message.response });
    else if (message.fault === 'too much') request.missing.push({ node, reason: 'too much' });
    else if (message.isElsewhere !== true) request.missing.push({ node, reason: 'failed' });
    if (request.waiting.size === 0) request.settle();
  };
  const onRequest = async (text: string): Promise<void> => {
    if (text.length > maxRequest + 1_000) return;
    const message = tryParseJson(text);
    if (!isObject(message) || typeof message.id !== 'string' || typeof message.from !== 'string') return;
    const { id, from, topic, request } = message;
    if (from === instance || handling >= maxHandling) return;
    handling++;
    const head = { id, from: instance, node: name(), version };
    const respond = (body: object): Promise<void> | undefined =>
      channel?.publish(responseTopic(from), JSON.stringify({ ...head, ...body }));
    try {
      const handle = handlers.get(String(topic));
      // A node without the topic says so, because it would be waited for otherwise.
      if (!handle || message.version !== version || !isObject(request))
        return void (await respond({ isElsewhere: true }));
      const response = await handle(request).then(JSON.stringify, (error: unknown) => {
        log.warn({ topic, reason: messageOf(error) }, 'a request of another node failed');
        return undefined;
      });
      if (response === undefined) await respond({ fault: 'failed' });
      else await respond(response.length > maxResponse ? { fault: 'too much' } : { response });
    } catch (error) {
      log.debug({ topic, reason: messageOf(error) }, 'a response was not sent to another node');
    } finally {
      handling--;
    }
  };
  const listen = async (on: NodeChannel): Promise<void> => {
    responseListener ??= on.subscribe(responseTopic(instance), onResponse);
    stopListening();
    stopListening = clock.after(listenMs, () => {
      responseListener?.end();
      responseListener = undefined;
    });
    await responseListener.active();
  };

  const sendToOthers = async (on: NodeChannel, topic: string, request: string, timeoutMs: number) => {
    const peers = await deps.peers();
    if (peers.length === 0) return { responses: [], missing: [] };
    const waiting = new Map(peers.map((peer) => [peer.instance, peer.name]));
    const responses: Pending['responses'] = [];
    const missing: MissingNode[] = [];
    const id = `${instance} ${++lastId}`;
    if (pending.size < maxPending && request.length <= maxRequest) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(timeoutMs, resolve);
        const settle = (): void => {
          cancel();
          resolve();
        };
        pending.set(id, { waiting, responses, missing, settle });
        const text = `{"id":${JSON.stringify(id)},"from":${JSON.stringify(instance)},"version":${JSON.stringify(version)},"topic":${JSON.stringify(topic)},"request":${request}}`;
        listen(on)
          .then(() => on.publish(requestTopic, text))
          // The state of the store shows why; the nodes are missing.
          .catch(settle);
      });
      pending.delete(id);
    }
    for (const node of waiting.values()) missing.push({ node, reason: 'no response' });
    return { responses, missing };
  };
  /** Many pages may send the same. */
  const others = async (topic: string, request: string, options: ShareOptions): Promise<Others> => {
    if (!channel) return { responses: [], missing: [] };
    const send = () => sendToOthers(channel, topic, request, options.timeoutMs ?? defaultTimeoutMs);
    if (options.reuseMs === 0) return send();
    const key = `${topic} ${request}`;
    const known = reused.get(key) ?? running.get(key);
    if (known) return known;
    const sent = send();
    running.set(key, sent);
    const result = await sent;
    running.delete(key);
    reused.set(key, result);
    return result;
  };

  return {
    share: <Request extends object, Response extends object>(
      topic: string,
      handle: (request: Request) => Response | Promise<Response>,
      options: ShareOptions = {},
    ) => {
      // A request and its response come from the same version of this code, which the versions in the messages say.
      handlers.set(topic, async (request) => handle(request as Request));
      return async (request: Request): Promise<NodeResponses<Response>> => {
        const [own, { responses, missing }] = await Promise.all([
          handle(request),
          others(topic, JSON.stringify(request), options),
        ]);
        return {
          responses: [
            { node: name(), response: own },
            ...responses.map(({ node, text }) => ({ node, response: JSON.parse(text) as Response })),
          ],
          missing,
        };
      };
    },
    start: () => {
      requestListener ??= channel?.subscribe(requestTopic, (text) => void onRequest(text));
    },
    stop: () => {
      requestListener?.end();
      stopListening();
      responseListener?.end();
      responseListener = undefined;
      for (const { settle } of pending.values()) settle();
    },
  };
}
