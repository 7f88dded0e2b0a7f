// Translates the log4j2.xml of the replaced disconnect service: the properties that its documentation names, and the same
// settings where a file has them in its appenders. Used by import.ts.

import { dirname } from 'node:path';
import type { RawSetting } from '../settings.ts';
import type { Environment } from '../sources.ts';
import type { Untranslated } from './import.ts';
import { parseXml, type XmlElement, XmlError } from './xml.ts';

/** The documented properties. */
const propertyKeys: ReadonlyMap<string, string> = new Map([
  ['rootLevel', 'logging.level'],
  ['baseDir', 'logging.base_dir'],
  ['maxFileSize', 'logging.max_file_size'],
  ['accumulatedFileSize', 'logging.accumulated_size'],
  ['lastModified', 'logging.last_modified'],
  ['maxCount', 'logging.max_count'],
  ['gelfLevel', 'logging.gelf_level'],
  ['gelfHost', 'logging.gelf_host'],
  ['gelfPort', 'logging.gelf_port'],
]);

/** Attributes below the appenders that mean the same; names in lower case, because log4j2 ignores case. */
const attributeKeys: ReadonlyMap<string, string> = new Map([
  ['sizebasedtriggeringpolicy size', 'logging.max_file_size'],
  ['defaultrolloverstrategy max', 'logging.max_count'],
  ['iflastmodified age', 'logging.last_modified'],
  ['ifaccumulatedfilesize exceeds', 'logging.accumulated_size'],
  ['gelf host', 'logging.gelf_host'],
  ['gelf port', 'logging.gelf_port'],
]);

const files = ['rollingfile', 'rollingrandomaccessfile', 'file', 'randomaccessfile'];

/** Elements that need no translation, or whose attributes are translated. */
const knownElements = [
  ...files,
  ...[
    'console',
    'gelf',
    'socket',
    'async',
    'policies',
    'sizebasedtriggeringpolicy',
    'defaultrolloverstrategy',
  ],
  ...[
    'delete',
    'iffilename',
    'ifaccumulatedfilecount',
    'iflastmodified',
    'ifaccumulatedfilesize',
    'ifany',
    'ifall',
  ],
  ...['appenderref', 'appender-ref', 'thresholdfilter', 'gelflayout'],
];

/** Why swob has nothing of the kind. */
const ownForm = 'swob has its own form of log lines';
const bySizeAndAge = 'swob starts a new file by size only; last_modified bounds the age of the old ones';
const reasons: ReadonlyMap<string, string> = new Map([
  ['patternlayout', ownForm],
  ['jsonlayout', ownForm],
  ['jsontemplatelayout', ownForm],
  ['timebasedtriggeringpolicy', bySizeAndAge],
  ['crontriggeringpolicy', bySizeAndAge],
  ['onstartuptriggeringpolicy', 'swob starts a new file by size only'],
]);

export interface Translated {
  readonly settings: readonly RawSetting[];
  readonly untranslated: readonly Untranslated[];
  /** The text is not XML: `line: message`. */
  readonly error?: string;
}

/** @param env replaces `${env:NAME:-default}` */
export function translateLog4j2(file: string, text: string, env: Environment): Translated {
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return { settings: [], untranslated: [], error: `${file}:${error.line}: ${error.message}` };
  }
  const settings = new Map<string, RawSetting>();
  const untranslated: Untranslated[] = [];
  const properties = propertiesOf(root);
  const originOf = ({ line }: XmlElement): string => `${file}:${line}`;
  const drop = (element: XmlElement, reason: string): void => {
    const { name } = element.attributes;
    const shown = name === undefined ? element.name : `${element.name} ${name}`;
    untranslated.push({ origin: originOf(element), what: `<${shown}>`, reason });
  };
  const set = (name: string, value: string, element: XmlElement): void => {
    const resolved = replaceLookups(value, properties, env);
    if (resolved === undefined) return drop(element, 'its value refers to something that is not set');
    if (!settings.has(name))
      settings.set(name, { name, text: convert(name, resolved), origin: originOf(element) });
  };

  const interval = attributeOf(root, 'monitorInterval');
  if (interval !== undefined) set('logging.monitor_interval', interval, root);
  for (const element of childrenOf(root, 'properties')) {
    const key = propertyKeys.get(element.attributes.name ?? '');
    if (key !== undefined) set(key, textOfProperty(element), element);
    else if (!isUsedInLookup(element.attributes.name, text)) drop(element, 'not a setting of swob');
  }
  const visit = (element: XmlElement, parent: string): void => {
    const name = element.name.toLowerCase();
    if (!knownElements.includes(name)) {
      const reason = reasons.get(name) ?? 'swob logs to stderr, to files and to GELF over UDP';
      return drop(element, reason);
    }
    for (const [attribute, value] of Object.entries(element.attributes)) {
      const key = attributeKeys.get(`${name} ${attribute.toLowerCase()}`);
      if (key !== undefined) set(key, value, element);
    }
    const written = attributeOf(element, 'fileName');
    if (files.includes(name) && written !== undefined) set('logging.base_dir', dirname(written), element);
    const level = attributeOf(element, 'level');
    if (name === 'thresholdfilter' && level !== undefined && ['gelf', 'socket'].includes(parent))
      set('logging.gelf_level', level, element);
    for (const child of element.children) visit(child, name);
  };
  for (const appender of childrenOf(root, 'appenders')) visit(appender, '');
  for (const logger of childrenOf(root, 'loggers')) {
    const level = attributeOf(logger, 'level');
    if (level === undefined) continue;
    if (/^(?:async)?root$/i.test(logger.name)) set('logging.level', level, logger);
    else drop(logger, 'swob has one level for all that it logs');
  }
  return { settings: [...settings.values()], untranslated };
}

function childrenOf({ children }: XmlElement, name: string): readonly XmlElement[] {
  return children.flatMap((child) => (child.name.toLowerCase() === name ? child.children : []));
}

function attributeOf({ attributes }: XmlElement, name: string): string | undefined {
  return Object.entries(attributes).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

const textOfProperty = (property: XmlElement): string => attributeOf(property, 'value') ?? property.text;

function propertiesOf(root: XmlElement): ReadonlyMap<string, string> {
  return new Map(
    childrenOf(root, 'properties').map((element) => [element.attributes.name ?? '', textOfProperty(element)]),
  );
}

/** A property that another value contains is translated with that value, or named with it. */
function isUsedInLookup(name: string | undefined, text: string): boolean {
  return name !== undefined && text.includes(`\${${name}}`);
}

/** Properties may contain lookups, but not for ever. */
const maxRounds = 10;

/** The value without `${…}`; undefined when one has no value. */
function replaceLookups(
  value: string,
  properties: ReadonlyMap<string, string>,
  env: Environment,
): string | undefined {
  let text = value;
  for (let round = 0; round < maxRounds && text.includes('${'); round++) {
    let missing = false;
    // The innermost lookup first: a default may be one.
    text = text.replace(/\$\{([^${}]*)\}/g, (_lookup, inner: string) => {
      const [, name = '', fallback] = /^(.*?)(?::-(.*))?$/s.exec(inner) ?? [];
      const variable = name.startsWith('env:') ? name.slice('env:'.length) : undefined;
      const own =
        variable === undefined
          ? properties.get(name)
          : Object.hasOwn(env, variable)
            ? env[variable]
            : undefined;
      const found = own ?? fallback;
      if (found === undefined || text.length + found.length > 10_000) missing = true;
      return found ?? '';
    });
    if (missing) return undefined;
  }
  return text.includes('${') ? undefined : text;
}

/** What log4j2 writes in another form than conf.ini. */
function convert(name: string, text: string): string {
  if (name !== 'logging.last_modified') return text;
  const iso = /^P?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/i.exec(text);
  if (!iso || text === '') return text;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1).map((part) => Number(part ?? 0));
  return `${((days * 24 + hours) * 60 + minutes) * 60 + seconds}s`;
}
