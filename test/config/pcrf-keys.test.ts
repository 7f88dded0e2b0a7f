// The list of PCRF hosts, the query for a session, and the rules over both and [disconnect] verify.

import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { pcrfServers, sessionPlaceholders } from '../../src/config/pcrf-keys.ts';
import { sessionPath } from '../../src/domain/wifi/pcrf-path.ts';
import { configFile } from '../support/config-files.ts';
import { loadErrors, noSources } from './load-errors.ts';

const serversOf = (host: string) =>
  pcrfServers(loadConfig({ ...noSources, setOptions: [`pcrf.host=${host}`] }).config.pcrf).map(
    (server) => `${server.host} ${server.port}`,
  );

test.each([
  ['localhost', ['localhost 7070']],
  ['2001:db8::1', ['2001:db8::1 7070']],
  ['a:7071', ['a 7071']],
  ['[2001:db8::1]:7071', ['2001:db8::1 7071']],
  ['a, b', ['a 7070', 'b 7070']],
  [
    '10.0.0.1,10.0.0.1:7071 , ::1, [::1]:7072, pcrf.example',
    ['10.0.0.1 7070', '10.0.0.1 7071', '::1 7070', '::1 7072', 'pcrf.example 7070'],
  ],
])('[pcrf] host = %s', (host, servers) => {
  expect(serversOf(host)).toEqual(servers);
});

const setting = (...setOptions: string[]) => loadErrors({ files: [configFile('')], setOptions });

test.each([
  ['a, a', '[pcrf] host: a is there twice'],
  ['a, A:7070', '[pcrf] host: A:7070 is there twice'],
  ['a, b/c', 'each with a port if needed, not "b/c"'],
  ['a:0', 'each with a port if needed, not "a:0"'],
  ['a, b:70700', 'each with a port if needed, not "b:70700"'],
  ['a, [10.0.0.1]:7', 'each with a port if needed, not "[10.0.0.1]:7"'],
  [',', 'expected at least one host'],
  ['a,b,c,d,e,f,g,h,i', 'more than 8 hosts'],
])('[pcrf] host = %s is refused', (host, error) => {
  expect(setting(`pcrf.host=${host}`)).toEqual([expect.stringContaining(error)]);
});

test('everything that contradicts itself is reported together', () => {
  expect(
    setting(
      'pcrf.host=a,a',
      'pcrf.pool.min=21',
      'pcrf.session_path=/session?id={id}',
      'disconnect.verify=accounting',
    ),
  ).toEqual([
    '[pcrf.pool] min = 21 exceeds max = 20',
    '[pcrf] host: a is there twice',
    '[disconnect] verify = accounting needs a [nas <name>] section for each NAS, with its secret',
    '[pcrf] session_path: {id} is none of {session}, {nas_ip}, {vrf}, {mac}',
    '[pcrf] session_path needs {session} or {mac}, which names the session',
  ]);
  expect(setting('disconnect.verify=pcrf', 'disconnect.verify_required=on')).toEqual([
    '[disconnect] verify = pcrf needs [pcrf] session_path, the query for a session',
  ]);
  expect(setting('disconnect.verify_required=on')).toEqual([
    '[disconnect] verify_required needs verify: set it to pcrf or accounting',
  ]);
});

test('each placeholder of session_path is replaced by one encoded value', () => {
  const session = { sessionId: '1&2', nasIp: '::1', vrf: '#', clientMac: '00-00-00-00-00-01' };
  expect(sessionPath(`/x?${sessionPlaceholders.join('&')}`, session)).toBe(
    '/x?1%262&%3A%3A1&%23&00-00-00-00-00-01',
  );
  expect(sessionPath('/{session}', { ...session, sessionId: '\ud800' })).toBeUndefined();
});
