// Phone numbers in E.164 format, with country and operator from the number or the IMSI. Used by seeds and by SMS.

import { readFileSync } from 'node:fs';
import type { PhoneNumber } from 'libphonenumber-js/max';
import { all } from 'mcc-mnc-list';
import type { Telecom } from '../domain/shared/ports.ts';
import { describeReadError, SwobError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import { createLruCache } from '../lib/lru-cache.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import { createCarriers } from './carriers.ts';
import { createNormaliser, type NormaliserOptions, parseE164 } from './normaliser.ts';
import { createOperatorNetworks, type OperatorNetworks } from './operator-networks.ts';

/** Cached numbers: lists of seeds and of recipients repeat the same ones. */
const maxNumbers = 20_000;
/** Cached lists of networks, by country and operator. */
const maxNetworkLists = 2_000;

const noOperator = { name: null, id: null } as const;

export interface TelecomOptions extends Partial<NormaliserOptions> {
  /** JSON object of names by MCC and MNC (`{"62401": "MTN Cameroon"}`) that adds to the built-in list and wins over it; '' means none. */
  readonly operatorsFile: string;
}

interface OperatorList {
  /** Name by MCC and MNC together. */
  readonly names: ReadonlyMap<string, string>;
  readonly mccs: ReadonlySet<string>;
  /** MCCs whose MNCs are mostly of three digits. */
  readonly longMccs: ReadonlySet<string>;
}

/** Throws CONFIG when the operators file cannot be read, or there is no numbering plan of the default region. */
export function createTelecom(options: TelecomOptions): Telecom {
  const { check = 'metadata', defaultRegion = '' } = options;
  const own = options.operatorsFile === '' ? new Map<string, string>() : readOperators(options.operatorsFile);
  // At the start, because it loads tables of ICU, which takes more than ten milliseconds.
  const regionNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  let list: OperatorList | undefined;
  const countries = createLruCache<{ readonly name: string | null }>(maxNumbers);
  const operatorNames = createCarriers();
  const carriers = createLruCache<{ readonly name: string | null }>(maxNumbers);
  let findNetworks: OperatorNetworks | undefined;
  const networkCodes = createLruCache<readonly string[]>(maxNetworkLists);

  const parse = (msisdn: string): PhoneNumber | undefined => {
    const number = parseE164(msisdn);
    return check === 'form' || number?.isValid() ? number : undefined;
  };
  const countryOf = (msisdn: string): string | null => {
    const country = parse(msisdn)?.country;
    return country === undefined ? null : (regionNames.of(country) ?? null);
  };

  return {
    normalise: createNormaliser({ check, defaultRegion }),
    region: (msisdn) => parse(msisdn)?.country ?? null,
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
      const number = parse(msisdn);
      const name = number ? await operatorNames.of(number) : null;
      carriers.set(msisdn, { name });
      return name;
    },
    networks: (msisdn, operatorName) => {
      const number = parse(msisdn);
      if (!number) return { callingCode: null, codes: [] };
      const { countryCallingCode: callingCode, country } = number;
      if (country === undefined) return { callingCode, codes: [] };
      const key = `${country} ${operatorName}`;
      let codes = networkCodes.get(key);
      if (!codes) {
        findNetworks ??= createOperatorNetworks(own);
        codes = findNetworks(country, operatorName);
        networkCodes.set(key, codes);
      }
      return { callingCode, codes };
    },
    operator: (imsi) => {
      if (!/^\d{6,15}$/.test(imsi)) return noOperator;
      list ??= builtInOperators();
      // An IMSI does not say how long its MNC is, so the country's usual length is tried first.
      const lengths = list.longMccs.has(imsi.slice(0, 3)) ? [6, 5] : [5, 6];
      const ids = lengths.map((length) => imsi.slice(0, length));
      for (const names of [own, list.names]) {
        for (const id of ids) {
          const name = names.get(id);
          if (name !== undefined) return { name, id };
        }
      }
      // An operator that is newer than the list, in a country that it has.
      return list.mccs.has(imsi.slice(0, 3)) ? { name: null, id: ids[0] ?? null } : noOperator;
    },
  };
}

/** Of several entries with one MCC and MNC, the first operational one counts, else the first. */
function builtInOperators(): OperatorList {
  const names = new Map<string, string>();
  const operational = new Set<string>();
  const balance = new Map<string, number>();
  for (const { mcc, mnc, brand, operator, status } of all()) {
    const id = `${mcc}${mnc}`;
    // Despite the package's types either may be null, and a few MNCs are ranges or unknown.
    const name = brand || operator;
    if (!name || !/^\d{5,6}$/.test(id)) continue;
    balance.set(mcc, (balance.get(mcc) ?? 0) + (mnc.length === 3 ? 1 : -1));
    if (names.has(id) && (operational.has(id) || status !== 'Operational')) continue;
    names.set(id, name);
    if (status === 'Operational') operational.add(id);
  }
  const longMccs = [...balance].filter(([, value]) => value >= 0).map(([mcc]) => mcc);
  return { names, mccs: new Set(balance.keys()), longMccs: new Set(longMccs) };
}

function readOperators(file: string): ReadonlyMap<string, string> {
  let json: unknown;
  try {
    json = parseJson(decodeUtf8(readFileSync(file)));
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `cannot read the operators file ${file} ([seeds] operators_file): ${describeReadError(error)}`,
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
