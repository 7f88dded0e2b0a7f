// The keys of [pcrf] and [pcrf.pool], and what must hold for them together. Part of the table in schema.ts.

import { isIPv6 } from 'node:net';
import { isHost, optionalPath } from './address-types.ts';
import type { Config } from './schema.ts';
import { duration, flag, integer, text } from './value-types.ts';

/** Those of domain/wifi/pcrf-path.ts; a test compares them. */
export const sessionPlaceholders: readonly string[] = ['{session}', '{nas_ip}', '{vrf}', '{mac}'];

export const pcrfKeys = {
  pcrf: {
    host: text(
      'localhost',
      'Host of the PCRF that ends sessions; or several, each with a port if it is another one, in the order in which they are called: a, b:7071, [2001:db8::1]:7071.',
    ),
    port: integer(7070, [1, 65_535], 'Port of the PCRF.'),
    timeout: duration(
      '10s',
      ['10ms', '5m'],
      'Timeout of each PCRF response; with several hosts, of all calls together.',
    ),
    host_pause: duration(
      '10s',
      ['0s', '1h'],
      'How long a host that has failed is called after the others; then one call tries it again.',
    ),
    retry_unsafe: flag(
      false,
      'Call the next host also when a host did not answer a request that it may have executed.',
    ),
    session_path: optionalPath(
      'Path of a query for a session, for [disconnect] verify = pcrf, with {session}, {nas_ip}, {vrf} and {mac}: /account/session?session={session}. 404 or an empty list means gone, 200 with a session present.',
    ),
  },
  'pcrf.pool': {
    min: integer(1, [0, 1_000], 'Connections to the PCRF that stay open, to each host.'),
    max: integer(20, [1, 1_000], 'Maximum concurrent connections to the PCRF, to each host.'),
    wait_timeout: duration(
      '5s',
      ['10ms', '5m'],
      'How long a call waits for a free connection before it fails with 503; with several hosts, for all of them together.',
    ),
  },
};

/** A server of the PCRF. */
export interface PcrfEndpoint {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const maxHosts = 8;

/** The servers of `[pcrf] host` in their order. */
export function pcrfServers({ host, port }: Pick<Config['pcrf'], 'host' | 'port'>): PcrfEndpoint[] {
  return listed(host).map((item) => parseServer(item) ?? { host: item, port });

  function parseServer(item: string): PcrfEndpoint | undefined {
    const [, ipv6, ipv6Port] = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(item) ?? [];
    if (ipv6 !== undefined) return { host: ipv6, port: ipv6Port === undefined ? port : Number(ipv6Port) };
    const [, name, ownPort] = /^([^:]+):(\d{1,5})$/.exec(item) ?? [];
    return name === undefined ? undefined : { host: name, port: Number(ownPort) };
  }
}

function listed(host: string): string[] {
  const items = host.split(',').map((item) => item.trim());
  return items.length === 1 ? [host] : items.filter((item) => item !== '');
}

/** Each rule over the keys of the PCRF, with the message when it is broken. */
const rules: readonly ((config: Config) => readonly string[])[] = [
  ({ 'pcrf.pool': { min, max } }) => (min > max ? [`[pcrf.pool] min = ${min} exceeds max = ${max}`] : []),
  ({ pcrf }) => hostErrors(pcrf),
  ({ disconnect: { verify, backend }, pcrf: { session_path } }) =>
    verify === 'pcrf' && backend !== 'radius' && session_path === ''
      ? ['[disconnect] verify = pcrf needs [pcrf] session_path, the query for a session']
      : [],
  ({ disconnect: { verify, backend } }) =>
    verify === 'pcrf' && backend === 'radius'
      ? ['[disconnect] verify = pcrf needs backend = pcrf or both: use verify = accounting with RADIUS']
      : [],
  ({ disconnect: { verify }, nas }) =>
    verify === 'accounting' && nas.length === 0
      ? ['[disconnect] verify = accounting needs a [nas <name>] section for each NAS, with its secret']
      : [],
  ({ disconnect: { verify, verify_required } }) =>
    verify_required && verify === 'off'
      ? ['[disconnect] verify_required needs verify: set it to pcrf or accounting']
      : [],
  ({ pcrf: { session_path } }) => (session_path === '' ? [] : placeholderErrors(session_path)),
];

/** One message per invalid combination, naming the keys. */
export function pcrfErrors(config: Config): string[] {
  return rules.flatMap((rule) => rule(config));
}

/** Of a list of hosts; createPcrf checks a single one. */
function hostErrors(pcrf: Config['pcrf']): string[] {
  const items = listed(pcrf.host);
  const servers = pcrfServers(pcrf);
  const names = servers.map(({ host, port }) => `${host.toLowerCase()} ${port}`);
  const errors = servers.flatMap(({ host, port }, index) => {
    const item = String(items[index]).slice(0, 60);
    const isServer = isHost(host) && port >= 1 && port <= 65_535 && (!item.startsWith('[') || isIPv6(host));
    if (!isServer && (servers.length > 1 || item.includes(':')))
      return [`[pcrf] host: expected host names or addresses, each with a port if needed, not "${item}"`];
    return names.indexOf(String(names[index])) < index ? [`[pcrf] host: ${item} is there twice`] : [];
  });
  if (servers.length === 0) errors.push('[pcrf] host: expected at least one host');
  if (servers.length > maxHosts) errors.push(`[pcrf] host: more than ${maxHosts} hosts`);
  return errors;
}

function placeholderErrors(template: string): string[] {
  const used: readonly string[] = template.match(/\{[^}]*\}?/g) ?? [];
  const unknown = used.filter((each) => !sessionPlaceholders.includes(each));
  const errors = unknown.map(
    (each) => `[pcrf] session_path: ${each.slice(0, 40)} is none of ${sessionPlaceholders.join(', ')}`,
  );
  if (!used.includes('{session}') && !used.includes('{mac}'))
    errors.push('[pcrf] session_path needs {session} or {mac}, which names the session');
  return errors;
}
