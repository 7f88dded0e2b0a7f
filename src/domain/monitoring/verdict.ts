// One sentence that says whether messages flow. Used by the Overview.

import type { HealthEntry, OverdueSms } from './model.ts';

export interface Verdict {
  readonly level: 'ok' | 'idle' | 'warning' | 'failure';
  /** `Publisher fails`; a time and a colon follow where `since` and `detail` are given. */
  readonly text: string;
  /** Unix time in milliseconds. */
  readonly since?: number;
  /** `37 messages wait` */
  readonly detail?: string;
}

export interface FlowFacts {
  /** Of the last minutes. */
  readonly minutes: number;
  readonly inbound: number;
  readonly refused: number;
  readonly published: number;
  readonly publishFailed: number;
  /** Now; undefined where it is not known. */
  readonly waiting: number | undefined;
  readonly deadLetters: number | undefined;
  readonly overdueSms: OverdueSms | undefined;
  readonly health: readonly HealthEntry[];
}

/** The systems that every message needs, as operators know them. */
const pathNames: Readonly<Record<string, string>> = {
  publisher: 'Publisher',
  relay: 'RelaySMS Publisher',
  backend: 'Back end',
  developer_api: 'Developer API',
};

/** The worst finding first: what stops all messages, what stops some, what is wrong beside them. */
export function verdictOf(facts: FlowFacts): Verdict {
  const { minutes, inbound, refused, published, publishFailed, health } = facts;
  const [waiting, deadLetters] = [facts.waiting ?? 0, facts.deadLetters ?? 0];
  const failing = health.filter(({ state }) => state !== 'ok');
  const period = `in the last ${minutes} minutes`;

  const required = failing.find((entry) => entry.required);
  if (required) {
    const { name, state, since } = required;
    return {
      level: 'failure',
      text: `${nameOf(name)} is ${state}`,
      since,
      detail: 'this node serves no requests',
    };
  }
  const path = failing.find(({ name }) => name in pathNames && name !== 'developer_api');
  if (path) {
    const verb = path.state === 'failing' ? 'fails' : `is ${path.state}`;
    const level = waiting > 0 || publishFailed > 0 ? 'failure' : 'warning';
    return { level, text: `${nameOf(path.name)} ${verb}`, since: path.since, detail: waitingText(waiting) };
  }
  if (publishFailed > 0 && published === 0)
    return { level: 'failure', text: `No message was published ${period}`, detail: waitingText(waiting) };
  if (inbound === 0 && refused > 0)
    return { level: 'warning', text: `No SMS was accepted ${period}`, detail: `${refused} refused` };

  const flow =
    inbound === 0 && published === 0
      ? `No messages ${period}`
      : `Messages flow: ${inbound} in, ${published} published ${period}`;
  const overdue = facts.overdueSms && facts.overdueSms.count > 0 ? [overdueText(facts.overdueSms)] : [];
  const beside = [
    ...(deadLetters > 0 ? [`${plural(deadLetters, 'dead letter')} to look at`] : []),
    ...(waiting > 0 ? [waitingText(waiting)] : []),
    ...overdue,
    ...failing.map(({ name, state }) => `${nameOf(name)} is ${state}`),
  ];
  if (deadLetters > 0 || overdue.length > 0 || failing.length > 0)
    return { level: 'warning', text: flow, detail: beside.join(', ') };
  const isIdle = inbound === 0 && published === 0 && waiting === 0;
  return {
    level: isIdle ? 'idle' : 'ok',
    text: flow,
    ...(beside.length > 0 && { detail: beside.join(', ') }),
  };
}

function nameOf(name: string): string {
  const known = pathNames[name];
  if (known !== undefined) return known;
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function waitingText(waiting: number): string {
  if (waiting === 0) return 'nothing waits';
  return `${plural(waiting, 'message')} ${waiting === 1 ? 'waits' : 'wait'}`;
}

function overdueText({ count, minutes }: OverdueSms): string {
  return `${count} SMS ${count === 1 ? 'has' : 'have'} waited for a phone for over ${minutes} minutes`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
