// Questions to all nodes that share the store: what a node knows alone, such as its log, is fetched from each of them when somebody
// looks. Without other nodes a question is a call. Used by the console's views and by app/compose.

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

/** Another node, as its last sign of life names it. */
export interface Peer {
  readonly name: string;
  /** Differs for each start of the process. */
  readonly instance: string;
}

/**
 * - `no answer`: it did not answer in time
 * - `version`: it runs another version of swob, whose answers may differ
 * - `too much`: its answer exceeds the bound
 * - `failed`: it could not find out
 */
type MissingReason = 'no answer' | 'version' | 'too much' | 'failed';

/** A node whose knowledge is not in the result. */
export interface MissingNode {
  readonly node: string;
  readonly reason: MissingReason;
}

export interface NodeAnswer<A> {
  readonly node: string;
  readonly answer: A;
}

interface NodeAnswers<A> {
  /** This node's is the first. */
  readonly answers: readonly NodeAnswer<A>[];
  readonly missing: readonly MissingNode[];
}

interface ShareOptions {
  /** How long other nodes may take, in milliseconds; 500 unless given. */
  readonly timeoutMs?: number;
  /** How long their answers are reused for an equal question; 900 unless given, 0 for what changes something. */
  readonly reuseMs?: 0;
}

export type Share = <Q extends object, A extends object>(
  topic: string,
  answer: (question: Q) => A | Promise<A>,
  options?: ShareOptions,
) => (question: Q) => Promise<NodeAnswers<A>>;

export interface NodeQuestions {
  /**
   * Answers questions of other nodes about a topic, each of which has one; the function asks all nodes that have it. Questions and
   * answers become JSON. The function throws only what this node's own answer throws.
   */
  readonly share: Share;
  /** Begins to answer. */
  start(): void;
  stop(): void;
}

export interface NodeQuestionsDeps {
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

const answerWithinMs = 500;
const reuseMs = 900;
const maxQuestion = 4_000;
const maxAnswer = 1_000_000;
/** Characters of the answers that are reused. */
const maxReused = 8_000_000;
const maxReusedQuestions = 256;
/** Questions of this node that wait for answers; further ones get none. */
const maxAsked = 64;
/** Questions of other nodes that this one works on; further ones get no answer. */
const maxAnswering = 32;
/** The channel for answers is a connection, which is kept while questions are asked. */
const listenMs = 60_000;
const questions = 'questions';
const answersOf = (instance: string): string => `answers:${instance}`;

interface Asked {
  readonly waiting: Map<string, string>;
  readonly answers: { readonly node: string; readonly text: string }[];
  readonly missing: MissingNode[];
  readonly settle: () => void;
}

/** The answers of other nodes to one question, as JSON. */
type Others = Pick<Asked, 'answers' | 'missing'>;

export function createNodeQuestions(deps: NodeQuestionsDeps): NodeQuestions {
  const { channel, name, instance, version, clock, log } = deps;
  const topics = new Map<string, (question: object) => Promise<object>>();
  const asked = new Map<string, Asked>();
  const running = new Map<string, Promise<Others>>();
  const reused = createTtlCache<Others>(clock, reuseMs, maxReusedQuestions, {
    max: maxReused,
    of: ({ answers }) => answers.reduce((sum, { text }) => sum + text.length, 0),
  });
  let lastId = 0;
  let answering = 0;
  let listening: ReturnType<NodeChannel['subscribe']> | undefined;
  let stopListening = (): void => {};
  let questionsOfOthers: ReturnType<NodeChannel['subscribe']> | undefined;

  const onAnswer = (text: string): void => {
    // The answer is JSON within JSON, whose quotes are escaped.
    if (text.length > 2 * maxAnswer + 1_000) return;
    const message = tryParseJson(text);
    if (!isObject(message) || typeof message.id !== 'string' || typeof message.from !== 'string') return;
    const question = asked.get(message.id);
    if (!question) return;
    const node = typeof message.node === 'string' ? message.node : message.from;
    question.waiting.delete(message.from);
    if (message.version !== version) question.missing.push({ node, reason: 'version' });
    else if (typeof message.answer === 'string' && isObject(tryParseJson(message.answer)))
      question.answers.push({ node, text: message.answer });
    else if (message.fault === 'too much') question.missing.push({ node, reason: 'too much' });
    else if (message.isElsewhere !== true) question.missing.push({ node, reason: 'failed' });
    if (question.waiting.size === 0) question.settle();
  };
  const onQuestion = async (text: string): Promise<void> => {
    if (text.length > maxQuestion + 1_000) return;
    const message = tryParseJson(text);
    if (!isObject(message) || typeof message.id !== 'string' || typeof message.from !== 'string') return;
    const { id, from, topic, question } = message;
    if (from === instance || answering >= maxAnswering) return;
    answering++;
    const head = { id, from: instance, node: name(), version };
    const reply = (body: object): Promise<void> | undefined =>
      channel?.publish(answersOf(from), JSON.stringify({ ...head, ...body }));
    try {
      const answer = topics.get(String(topic));
      // A node without the topic says so, because it would be waited for otherwise.
      if (!answer || message.version !== version || !isObject(question))
        return void (await reply({ isElsewhere: true }));
      const found = await answer(question).then(JSON.stringify, (error: unknown) => {
        log.warn({ topic, reason: messageOf(error) }, 'a question of another node could not be answered');
        return undefined;
      });
      if (found === undefined) await reply({ fault: 'failed' });
      else await reply(found.length > maxAnswer ? { fault: 'too much' } : { answer: found });
    } catch (error) {
      log.debug({ topic, reason: messageOf(error) }, 'an answer was not sent to another node');
    } finally {
      answering--;
    }
  };
  const listen = async (on: NodeChannel): Promise<void> => {
    listening ??= on.subscribe(answersOf(instance), onAnswer);
    stopListening();
    stopListening = clock.after(listenMs, () => {
      listening?.end();
      listening = undefined;
    });
    await listening.active();
  };

  const askOthers = async (on: NodeChannel, topic: string, question: string, withinMs: number) => {
    const peers = await deps.peers();
    if (peers.length === 0) return { answers: [], missing: [] };
    const waiting = new Map(peers.map((peer) => [peer.instance, peer.name]));
    const answers: Asked['answers'] = [];
    const missing: MissingNode[] = [];
    const id = `${instance} ${++lastId}`;
    if (asked.size < maxAsked && question.length <= maxQuestion) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(withinMs, resolve);
        const settle = (): void => {
          cancel();
          resolve();
        };
        asked.set(id, { waiting, answers, missing, settle });
        const text = `{"id":${JSON.stringify(id)},"from":${JSON.stringify(instance)},"version":${JSON.stringify(version)},"topic":${JSON.stringify(topic)},"question":${question}}`;
        listen(on)
          .then(() => on.publish(questions, text))
          // The state of the store shows why; the nodes are missing.
          .catch(settle);
      });
      asked.delete(id);
    }
    for (const node of waiting.values()) missing.push({ node, reason: 'no answer' });
    return { answers, missing };
  };
  /** Many pages may ask the same. */
  const others = async (topic: string, question: string, options: ShareOptions): Promise<Others> => {
    if (!channel) return { answers: [], missing: [] };
    const ask = () => askOthers(channel, topic, question, options.timeoutMs ?? answerWithinMs);
    if (options.reuseMs === 0) return ask();
    const key = `${topic} ${question}`;
    const known = reused.get(key) ?? running.get(key);
    if (known) return known;
    const found = ask();
    running.set(key, found);
    const result = await found;
    running.delete(key);
    reused.set(key, result);
    return result;
  };

  return {
    share: <Q extends object, A extends object>(
      topic: string,
      answer: (question: Q) => A | Promise<A>,
      options: ShareOptions = {},
    ) => {
      // A question and an answer come from the same version of this code, which the versions in the messages say.
      topics.set(topic, async (question) => answer(question as Q));
      return async (question: Q): Promise<NodeAnswers<A>> => {
        const [own, { answers, missing }] = await Promise.all([
          answer(question),
          others(topic, JSON.stringify(question), options),
        ]);
        return {
          answers: [
            { node: name(), answer: own },
            ...answers.map(({ node, text }) => ({ node, answer: JSON.parse(text) as A })),
          ],
          missing,
        };
      };
    },
    start: () => {
      questionsOfOthers ??= channel?.subscribe(questions, (text) => void onQuestion(text));
    },
    stop: () => {
      questionsOfOthers?.end();
      stopListening();
      listening?.end();
      listening = undefined;
      for (const { settle } of asked.values()) settle();
    },
  };
}
