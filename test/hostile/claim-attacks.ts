// Values of claims that no session has, and odd ones that some have (docs/protocol.md, P1–P4). Used with both backends by
// pcrf-claims.test.ts and radius-claims.test.ts.

/** Not an address in the form that every system reads alike. */
export const noAddresses = [
  'metadata.internal',
  '0144.0160.0.1',
  '0x7f.0.0.1',
  '100.112.0.1@169.254.169.254',
  '100.112.0.1/../..',
  '1.1.1',
  '16843009',
  '1.1.1.1.',
  '1.1.1.256',
  '1.1.1.01',
  ' 1.1.1.1',
  '[::1]',
  'fe80::1%eth0',
  '1::2::3',
];

export const separators = ['1&session=2', '1#x', '1?a=b', '1%26session=2', '1 2', '1+2', '1/../2', "1';--"];

export const withControlCharacters = ['1\r\nX-Evil: 1', '1\n', 'a\0b', '\u007f', '1\u0085'];

/** Of FC-45-96-5F-50-AC. */
export const macSpellings = ['fc-45-96-5f-50-ac', 'FC:45:96:5F:50:AC', 'fc45.965f.50ac', 'FC45965f50aC'];

export const noMacs: readonly [mac: unknown, fault: string][] = [
  ['01-00-5E-00-00-01', 'clientMac is a multicast address'],
  ['FF-FF-FF-FF-FF-FF', 'clientMac is a multicast address'],
  ['00-00-00-00-00-00', 'clientMac is all zeros'],
  ['FC-45-96-5F-50', 'clientMac is not a MAC address'],
  ['FC-45-96-5F-50-AC-00', 'clientMac is not a MAC address'],
  ['FC-45:96-5F-50-AC', 'clientMac is not a MAC address'],
  ['GC-45-96-5F-50-AC', 'clientMac is not a MAC address'],
  ['', 'clientMac is not a MAC address'],
  [277_500_000_000_000, 'clientMac is not a MAC address'],
  [undefined, 'clientMac is missing'],
];

/** JSON numbers that are not written in digits alone. */
export const oddNumbers = ['-1', '-5692549928996307964', '5692549928996307964.0', '1.5', '1e18', '1e400'];
export const oddNumberFault =
  'sessionId is a number that is not written in digits alone; sign it without sign, fraction and exponent, or as text';
