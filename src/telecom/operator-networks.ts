// The networks (MCC and MNC) that an operator has in a country, by its name. Used by telecom.ts, for routing outgoing SMS to
// phones that listen for the network of their SIM.

import { all } from 'mcc-mnc-list';

/** Codes of one operator: each costs an attempt to route an SMS that no phone listens for. */
const maxNetworks = 8;

interface NamedNetwork {
  /** MCC and MNC together. */
  readonly code: string;
  readonly names: readonly string[];
}

interface Network {
  readonly code: string;
  /** The words of each of its names. */
  readonly names: readonly (readonly string[])[];
}

/**
 * Finds codes by ISO 3166 code of the country and name of the operator, lowest first, at most `maxNetworks`: those of networks
 * with exactly that name, else those whose name begins with all its words, or the other way round (`Orange France` and `Orange`).
 */
export type OperatorNetworks = (country: string, operatorName: string) => readonly string[];

/** `own` names networks by MCC and MNC; they replace the built-in names. */
export function createOperatorNetworks(own: ReadonlyMap<string, string>): OperatorNetworks {
  const named = namesByCountry(own);
  const byCountry = new Map<string, readonly Network[]>();
  /** The names of all countries at once would take 10 ms. */
  const networksOf = (country: string): readonly Network[] => {
    const names = named.get(country);
    if (!names) return [];
    const networks = byCountry.get(country) ?? names.map(networkOf);
    byCountry.set(country, networks);
    return networks;
  };
  return (country, operatorName) => {
    const networks = networksOf(country);
    const wanted = wordsOf(operatorName);
    if (wanted.length === 0) return [];
    const codesOf = (matches: (name: readonly string[]) => boolean): string[] =>
      networks.filter(({ names }) => names.some(matches)).map(({ code }) => code);
    const exact = codesOf((name) => name.join('') === wanted.join(''));
    const codes =
      exact.length > 0 ? exact : codesOf((name) => beginsWith(name, wanted) || beginsWith(wanted, name));
    return codes.toSorted().slice(0, maxNetworks);
  };
}

function networkOf({ code, names }: NamedNetwork): Network {
  return { code, names: names.map(wordsOf).filter((words) => words.length > 0) };
}

function namesByCountry(own: ReadonlyMap<string, string>): ReadonlyMap<string, readonly NamedNetwork[]> {
  const countries = new Map<string, string>();
  const names = new Map<string, { readonly country: string; readonly names: string[] }>();
  for (const { mcc, mnc, countryCode, brand, operator, status } of all()) {
    // Parts of a country, such as GE-AB, have the numbers of the country.
    const country = countryCode?.split('-')[0];
    if (!country) continue;
    if (!countries.has(mcc)) countries.set(mcc, country);
    const code = `${mcc}${mnc}`;
    if (status !== 'Operational' || !/^\d{5,6}$/.test(code) || own.has(code)) continue;
    const network = names.get(code) ?? { country, names: [] };
    network.names.push(...[brand, operator].filter((name) => typeof name === 'string'));
    names.set(code, network);
  }
  for (const [code, name] of own) {
    const country = countries.get(code.slice(0, 3));
    if (country !== undefined) names.set(code, { country, names: [name] });
  }
  const byCountry = new Map<string, NamedNetwork[]>();
  for (const [code, network] of names) {
    const networks = byCountry.get(network.country) ?? [];
    networks.push({ code, names: network.names });
    byCountry.set(network.country, networks);
  }
  return byCountry;
}

/** Lower-case words without accents: spellings of one operator differ in these. */
function wordsOf(name: string): readonly string[] {
  return (
    name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

function beginsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, index) => words[index] === word);
}
