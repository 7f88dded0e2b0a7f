// log4j2.xml: which of its forms are translated, what is named instead, and the bounds of the XML.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { translateLog4j2 } from '../../../src/config/import/log4j2.ts';
import { parseXml, type XmlElement, XmlError } from '../../../src/config/import/xml.ts';

/** Values by key, and what was not translated as `line what: reason`. */
function translate(text: string, env: Readonly<Record<string, string>> = {}) {
  const { settings, untranslated, error } = translateLog4j2('F', text, env);
  return {
    values: Object.fromEntries(
      settings.map(({ name, text: value }) => [name.replace('logging.', ''), value]),
    ),
    left: untranslated.map(({ origin, what, reason }) => `${origin.slice(2)} ${what}: ${reason}`),
    error,
  };
}

const property = (name: string, value: string) =>
  `<Configuration><Properties><Property name="${name}">${value}</Property></Properties></Configuration>`;

describe('values', () => {
  test.each([
    ['lastModified', '4d', 'last_modified', `${4 * 86_400}s`],
    ['lastModified', 'P1DT2H', 'last_modified', `${26 * 3_600}s`],
    ['lastModified', 'pt90m', 'last_modified', '5400s'],
    ['lastModified', 'soon', 'last_modified', 'soon'],
    ['rootLevel', '$' + '{env:LOG_LEVEL:-WARN}', 'level', 'WARN'],
    ['rootLevel', '$' + '{env:SET:-WARN}', 'level', 'debug'],
    ['rootLevel', '$' + '{env:NONE:-$' + '{env:SET}}', 'level', 'debug'],
    ['rootLevel', '$' + '{sys:level:-ERROR}', 'level', 'ERROR'],
    ['gelfHost', ' udp:graylog ', 'gelf_host', 'udp:graylog'],
  ])('%s = %s', (name, value, key, text) => {
    expect(translate(property(name, value), { SET: 'debug' })).toEqual({ values: { [key]: text }, left: [] });
  });

  test('settings that are only in the appenders are found there, whatever their case', () => {
    const text = `<configuration>
      <appenders>
        <rollingFile name="x" filename="/var/log/old/x.log">
          <policies><timeBasedTriggeringPolicy/><SizeBasedTriggeringPolicy size="5 MB"/></policies>
          <DefaultRolloverStrategy max="3"/>
        </rollingFile>
        <Socket name="s" host="h"><ThresholdFilter level="WARN"/></Socket>
        <Kafka name="k"/>
      </appenders>
      <loggers><asyncRoot level="error"/></loggers>
    </configuration>`;
    expect(translate(text)).toEqual({
      values: {
        base_dir: '/var/log/old',
        max_file_size: '5 MB',
        max_count: '3',
        gelf_level: 'WARN',
        level: 'error',
      },
      left: [
        '4 <timeBasedTriggeringPolicy>: swob starts a new file by size only; last_modified bounds the age of the old ones',
        '8 <Kafka k>: swob logs to stderr, to files and to GELF over UDP',
      ],
    });
  });

  test('a lookup without a value, or that refers to itself, is named', () => {
    const text = `<Configuration><Properties>
      <Property name="rootLevel">\${env:NONE}</Property>
      <Property name="baseDir">\${baseDir}/x</Property>
      <Property name="maxCount" value="\${other}"/>
      <Property name="other">5</Property>
      <Property name="unused">5</Property>
    </Properties></Configuration>`;
    expect(translate(text)).toEqual({
      values: { max_count: '5' },
      left: [
        '2 <Property rootLevel>: its value refers to something that is not set',
        '3 <Property baseDir>: its value refers to something that is not set',
        '6 <Property unused>: not a setting of swob',
      ],
    });
  });
});

test('names that every object has as members are only names', () => {
  const text = `<Configuration><Properties>
    <Property name="constructor">5</Property>
    <Property name="toString">5</Property></Properties>
    <Appenders><constructor/></Appenders></Configuration>`;
  expect(translate(text)).toEqual({
    values: {},
    left: [
      '2 <Property constructor>: not a setting of swob',
      '3 <Property toString>: not a setting of swob',
      '4 <constructor>: swob logs to stderr, to files and to GELF over UDP',
    ],
  });
});

describe('XML', () => {
  const errorOf = (text: string): string => {
    try {
      parseXml(text);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      return `${error.line}: ${error.message}`;
    }
    throw new Error('the text was accepted');
  };

  test('text, character data, entities of XML and attributes are read', () => {
    const root = parseXml('<a b="&lt;1"> x &amp; <![CDATA[<y>]]> <c/>\n<d/></a>');
    expect(root).toMatchObject({ name: 'a', attributes: { b: '<1' }, text: 'x & <y>', line: 1 });
    expect(root.children.map(({ name, line }) => [name, line])).toEqual([
      ['c', 1],
      ['d', 2],
    ]);
  });

  test.each([
    ['', /^1: /],
    ['<a>\n<b></a>', /^2: /],
    ['<a>&x;</a>', /^1: /],
    ['<!DOCTYPE a [<!ENTITY x "y">]>\n<a>&x;</a>', /^2: /],
    [`${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, /^1: nested more than 64 deep$/],
    [`<a>${'<b/>'.repeat(10_000)}</a>`, /^1: more than 10000 elements$/],
    [`<a>${'x'.repeat(1024 * 1024)}</a>`, /^1: larger than 1 MiB$/],
  ])('%# is refused', (text, message) => expect(errorOf(text)).toMatch(message));

  test('any text is read or refused with one of its lines', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<a/>',
      '<',
      '>',
      '&',
      '&lt;',
      '"',
      "='",
      '\n',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE',
      '<?',
      'x',
      ' ',
      '\0',
    );
    const count = (element: XmlElement): number =>
      element.children.reduce((sum, child) => sum + count(child), 1);
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
        (text) => {
          try {
            expect(count(parseXml(text))).toBeGreaterThan(0);
          } catch (error) {
            if (!(error instanceof XmlError)) throw error;
            expect(error.line).toBeGreaterThan(0);
            expect(error.line).toBeLessThanOrEqual(text.split('\n').length);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
