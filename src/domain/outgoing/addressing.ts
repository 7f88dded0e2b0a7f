// Prepares the SMS of each recipient: its number in E.164 format, its operator and networks. Used by outgoing.ts.

import type { Telecom } from '../shared/ports.ts';
import { operatorFault } from './broker-names.ts';
import type { OutgoingSms } from './model.ts';
import { type CountParts, type SmsParts, textFault } from './sms-text.ts';

/** As on the wire; a missing operator is looked up. */
export interface Addressee {
  readonly number: string;
  readonly operator_name?: string;
}

export interface Recipient extends Addressee {
  readonly text: string;
  /** Subscription id of the SIM on the phone, for phones that read it: a whole number in text. */
  readonly sid?: string;
  /** A known error of this recipient: the SMS is not sent, and the response reports the error. */
  readonly fault?: string;
}

export interface AddressedSms extends SmsParts {
  /** With the number as the developer wrote it when that is not a phone number. */
  readonly sms: OutgoingSms;
  /** The number as the developer wrote it, for the response. */
  readonly givenNumber: string;
  /** Why the SMS cannot be sent. */
  readonly fault: string | undefined;
}

export interface Addressing {
  /** The operator that an addressee names or that its number was assigned to; '' when unknown. */
  operatorOf(addressee: Addressee): Promise<string>;
  address(authId: string, recipient: Recipient): Promise<AddressedSms>;
}

export interface AddressingOptions {
  readonly telecom: Telecom;
  readonly countParts: CountParts;
  /** The SIM of an SMS whose recipient names none. */
  readonly defaultSid: string;
  /** Longer SMS are not sent. */
  readonly maxParts: number;
}

export function createAddressing(options: AddressingOptions): Addressing {
  const { telecom, countParts, defaultSid, maxParts } = options;
  const operatorOf: Addressing['operatorOf'] = async ({ number, operator_name }) => {
    if (operator_name) return operator_name;
    const normalised = telecom.normalise(number);
    return normalised.kind === 'number' ? ((await telecom.carrier(normalised.msisdn)) ?? '') : '';
  };
  /** A developer may name the network itself, by MCC and MNC, in place of the operator. */
  const networksOf = (number: string, operatorName: string) => {
    const { callingCode, codes } = telecom.networks(number, operatorName);
    return { callingCode, networkCodes: /^\d{5,6}$/.test(operatorName) ? [operatorName] : codes };
  };
  return {
    operatorOf,
    address: async (authId, recipient) => {
      const { number: givenNumber, text, operator_name: named, sid = defaultSid } = recipient;
      const normalised = telecom.normalise(givenNumber);
      const number = normalised.kind === 'number' ? normalised.msisdn : givenNumber;
      const invalid = normalised.kind === 'number' ? undefined : 'not a phone number in E.164 format';
      const counted = countParts(text);
      const unsendable = textFault(text, counted.parts, maxParts);
      const fault = recipient.fault ?? namedOperatorFault(authId, named) ?? invalid ?? unsendable;
      const operatorName = fault === undefined ? await operatorOf(recipient) : (named ?? '');
      const sms = { authId, operatorName, number, text, sid, ...networksOf(number, operatorName) };
      return { sms, givenNumber, fault, ...counted };
    },
  };
}

/** Why the operator that a recipient names is unusable: it becomes part of a routing key. */
export function namedOperatorFault(authId: string, operatorName: string | undefined): string | undefined {
  const fault = operatorName ? operatorFault(authId, operatorName) : undefined;
  return fault && `operator_name is not well formed: ${fault}`;
}
