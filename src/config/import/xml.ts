// Parses an XML file into elements with line numbers, within bounds; entities of a DOCTYPE are not expanded. Used by
// log4j2.ts. Imported only by `swob config import`.

import { SaxesParser } from 'saxes';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Without white space around it. */
  readonly text: string;
  /** Starts at 1. */
  readonly line: number;
}

/** The text is not well-formed or exceeds a bound. */
export class XmlError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'XmlError';
    this.line = line;
  }
}

const maxBytes = 1024 * 1024;
const maxElements = 10_000;
const maxDepth = 64;

interface OpenElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  text: string;
  line: number;
}

/** The root element. Throws XmlError at the first error. */
export function parseXml(text: string): XmlElement {
  if (Buffer.byteLength(text) > maxBytes) throw new XmlError(1, 'larger than 1 MiB');
  const parser = new SaxesParser();
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  parser.on('error', ({ message }) => {
    throw new XmlError(parser.line, message.replace(/^\d+:\d+: /, ''));
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (++elements > maxElements) throw new XmlError(parser.line, `more than ${maxElements} elements`);
    if (open.length >= maxDepth) throw new XmlError(parser.line, `nested more than ${maxDepth} deep`);
    open.push({ name, attributes, children: [], text: '', line: parser.line });
  });
  const addText = (part: string): void => {
    const element = open.at(-1);
    if (element) element.text += part;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (!element) return;
    const done: XmlElement = { ...element, text: element.text.trim() };
    const parent = open.at(-1);
    if (parent) parent.children.push(done);
    else root = done;
  });
  parser.write(text).close();
  if (!root) throw new XmlError(1, 'no element');
  return root;
}
