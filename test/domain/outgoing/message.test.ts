import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyReport,
  changeState,
  isFinal,
  type MessageState,
  messageStates,
  type OutgoingMessage,
  type PhoneReport,
} from '../../../src/domain/outgoing/message.ts';

const queued: OutgoingMessage = {
  id: '1',
  uuid: 'request',
  index: 0,
  authId: 'dev1',
  number: '+237650393369',
  operatorName: 'MTN Cameroon',
  encoding: 'GSM-7',
  parts: 2,
  state: 'queued',
  times: { queued: 1_000 },
  handover: 'accepted',
  sentParts: [],
  deliveredParts: [],
  callbacks: { urls: ['https://example.org'], events: messageStates },
  unreported: [],
  revision: 0,
};

/** Applies reports in order, and returns the states that it went through. */
function statesAfter(reports: readonly PhoneReport[], start: OutgoingMessage = queued): MessageState[] {
  const states = [start.state];
  reports.reduce((message, report, index) => {
    const next = applyReport(message, report, 2_000 + index) ?? message;
    if (next.state !== message.state) states.push(next.state);
    return next;
  }, start);
  return states;
}

describe('reports of a phone', () => {
  test('a message of two parts is sent when both are, and delivered when both are', () => {
    const states = statesAfter([
      { status: 'sent', part: 1 },
      { status: 'sent', part: 2 },
      { status: 'delivered', part: 2 },
      { status: 'delivered', part: 1 },
    ]);
    expect(states).toEqual(['queued', 'sent', 'delivered']);
  });

  test('one part that fails fails the message, whatever the others do later', () => {
    const states = statesAfter([
      { status: 'sent', part: 1 },
      { status: 'failed', part: 2 },
      { status: 'sent', part: 2 },
      { status: 'delivered' },
    ]);
    expect(states).toEqual(['queued', 'failed']);
  });

  test('delivered before sent is delivered, and the late report changes nothing', () => {
    expect(statesAfter([{ status: 'delivered' }, { status: 'sent' }])).toEqual(['queued', 'delivered']);
  });

  test('the phone says in how many parts it sends', () => {
    const three = { parts: 3, status: 'sent' } as const;
    expect(
      statesAfter([
        { ...three, part: 1 },
        { ...three, part: 2 },
      ]),
    ).toEqual(['queued']);
    expect(statesAfter([1, 2, 3].map((part) => ({ ...three, part })))).toEqual(['queued', 'sent']);
  });

  test('parts that the message does not have, and reports on one that no phone can have yet, count for nothing', () => {
    const beyond = [3, 4].map((part) => ({ status: 'delivered', part }) as const);
    expect(statesAfter(beyond)).toEqual(['queued']);
    expect(statesAfter([{ status: 'failed' }], { ...queued, handover: 'pending' })).toEqual(['queued']);
  });

  test('the same part twice counts once', () => {
    const twice: PhoneReport[] = [
      { status: 'sent', part: 1 },
      { status: 'sent', part: 1 },
    ];
    expect(statesAfter(twice)).toEqual(['queued']);
  });

  test('any reports in any order: states only go forward, and end in one final state at most', () => {
    const report: fc.Arbitrary<PhoneReport> = fc.record(
      {
        status: fc.constantFrom('sent', 'delivered', 'failed'),
        part: fc.integer({ min: 1, max: 3 }),
        parts: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: ['status'] },
    );
    fc.assert(
      fc.property(fc.array(report, { maxLength: 20 }), (reports) => {
        const states = statesAfter(reports);
        expect(new Set(states).size).toBe(states.length);
        expect(states.slice(0, -1).filter(isFinal)).toEqual([]);
        expect(states.indexOf('sent')).toBeLessThan(2);
      }),
    );
  });
});

describe('changes of state', () => {
  test('a final state is never left, and a message that a phone has sent cannot be cancelled', () => {
    for (const state of messageStates.filter(isFinal)) {
      for (const to of messageStates) expect(changeState({ ...queued, state }, to, 2_000)).toBeUndefined();
    }
    expect(changeState({ ...queued, state: 'sent' }, 'cancelled', 2_000)).toBeUndefined();
    expect(changeState(queued, 'cancelled', 2_000, 'why')).toMatchObject({
      state: 'cancelled',
      reason: 'why',
      times: { queued: 1_000, cancelled: 2_000 },
    });
  });

  test('only the events that the developer chose are reported', () => {
    const callbacks = { urls: ['https://example.org'], events: ['delivered'] as const };
    const sent = changeState({ ...queued, callbacks }, 'sent', 2_000);
    expect(sent?.unreported).toEqual([]);
    expect(sent && changeState(sent, 'delivered', 3_000)?.unreported).toEqual(['delivered']);
  });
});
