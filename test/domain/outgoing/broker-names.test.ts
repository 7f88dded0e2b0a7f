// The names of exchange, queues and routing keys on the broker, and operators that cannot be part of one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  authIdPattern,
  choosePhoneBinding,
  developerExchangeName,
  everyNetworkBinding,
  networkBinding,
  networkRoutingKey,
  operatorFault,
  queueName,
  routingKey,
  tenantPrefix,
} from '../../../src/domain/outgoing/broker-names.ts';

describe('names on the broker', () => {
  test('are those of docs/protocol.md', () => {
    expect(routingKey('dev1', 'MTN Cameroon')).toBe('dev1_OUTGOING_SMS.MTN Cameroon');
    expect(queueName('dev1', 'MTN Cameroon')).toBe('dev1_OUTGOING_SMS_MTN Cameroon');
  });

  test('in the exchange of a developer are those that DekuSMS fills in', () => {
    expect(developerExchangeName('dev1')).toBe('dev1_OUTGOING_SMS');
    expect(networkRoutingKey('dev1', '237', '62401')).toBe('dev1_OUTGOING_SMS.237.62401');
    expect(networkRoutingKey('dev1', '1', '310004')).toBe('dev1_OUTGOING_SMS.1.31004');
    expect(networkRoutingKey('dev1', '1', '310410')).toBe('dev1_OUTGOING_SMS.1.310410');
    expect(networkRoutingKey('dev1', null, null)).toBe('dev1_OUTGOING_SMS.0.0');
    expect(everyNetworkBinding('dev1')).toBe('dev1_OUTGOING_SMS.#');
  });

  test('of both kinds of phones', () => {
    expect(choosePhoneBinding('dev1', { operator: 'MTN' })).toEqual({
      exchange: 'DEKU_CLUSTER_SMS',
      queue: 'dev1_OUTGOING_SMS_MTN',
      key: 'dev1_OUTGOING_SMS.MTN',
      declaresExchange: false,
    });
    expect(networkBinding('dev1', 'dev1_OUTGOING_SMS.237.62401')).toEqual({
      exchange: 'dev1_OUTGOING_SMS',
      queue: 'dev1_OUTGOING_SMS_237_62401',
      key: 'dev1_OUTGOING_SMS.237.62401',
      declaresExchange: true,
    });
  });

  test('include no binding of DekuSMS that the broker would refuse', () => {
    for (const key of [
      '',
      '#',
      'dev1_OUTGOING_SMS',
      'dev1_OUTGOING_SMS.',
      'dev2_OUTGOING_SMS.#',
      'dev1_OUTGOING_SMS.\n',
    ]) {
      expect(choosePhoneBinding('dev1', { binding: key }), key).toHaveProperty('fault');
    }
    expect(choosePhoneBinding('dev1', { binding: `dev1_OUTGOING_SMS.${'x'.repeat(240)}` })).toEqual({
      fault: 'it is too long',
      member: 'binding',
    });
    for (const key of ['dev1_OUTGOING_SMS.#', 'dev1_OUTGOING_SMS.237.62401', 'dev1_OUTGOING_SMS.*.62401']) {
      expect(choosePhoneBinding('dev1', { binding: key }), key).toMatchObject({ key });
    }
  });

  test('Q10: an operator with separators or wildcards, or a too long one, is rejected', () => {
    for (const name of ['', 'a.b', '#', 'a*', 'a\nb', '\u0000', '\u202e', 'é'.repeat(125)]) {
      expect(operatorFault('dev1', name), name).toBeDefined();
    }
    for (const name of ['MTN Cameroon', 'Orange', "Côte d'Ivoire-1", 'é'.repeat(115)]) {
      expect(operatorFault('dev1', name), name).toBeUndefined();
    }
  });

  test('Q8: the names of one developer never begin with those of another', () => {
    const wellFormed = new RegExp(authIdPattern, 'u');
    for (const bad of [
      '',
      'a b',
      'a-b',
      '.*',
      'a.b',
      'a#',
      'a/b',
      'a_OUTGOING_SMS',
      'x'.repeat(65),
      'é',
      'a\n',
    ])
      expect(wellFormed.test(bad), bad).toBe(false);
    const part = fc.constantFrom('a', 'b', '_', 'OUTGOING', 'SMS', '_OUTGOING_SMS');
    const authId = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(authId, authId, fc.constantFrom('x', '_x', ''), (one, other, operator) => {
        fc.pre(one !== other && wellFormed.test(one) && wellFormed.test(other));
        expect(queueName(one, operator).startsWith(tenantPrefix(other))).toBe(false);
      }),
    );
  });
});
