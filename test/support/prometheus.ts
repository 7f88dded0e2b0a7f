// A strict parser of Prometheus' text format 0.0.4, written from its documentation alone.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly series: Series[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < text.length) {
    const found = label.exec(text);
    if (!found) throw new Error(`labels are not well formed: {${text}}`);
    const [, name = '', value = ''] = found;
    if (Object.hasOwn(labels, name)) throw new Error(`label ${name} stands twice: {${text}}`);
    labels[name] = value;
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`no number: ${text}`);
  return Number(text);
}

/** The key of a series, independent of the order of its labels. */
const identity = ({ name, labels }: Pick<Series, 'name' | 'labels'>): string =>
  `${name}${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

/** The family of a line; the lines of a histogram have suffixes. */
function familyOf(name: string, families: ReadonlyMap<string, Family>): [string, Family | undefined] {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const family = families.get(base);
  return family?.type === 'histogram' && base !== name ? [base, family] : [name, families.get(name)];
}

/** All series of a page of metrics. Throws for anything malformed. */
export function readMetrics(text: string): Series[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const helped = new Set<string>();
  const seen = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, keyword, subject = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (helped.has(subject)) throw new Error(`second HELP of ${subject}`);
      if (rest.trim() === '') throw new Error(`empty HELP of ${subject}`);
      helped.add(subject);
    } else if (keyword === 'TYPE') {
      if (families.has(subject)) throw new Error(`second TYPE of ${subject}`);
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`unknown type: ${line}`);
      if (!helped.has(subject)) throw new Error(`no HELP before the TYPE of ${subject}`);
      if (rest === 'counter' && !subject.endsWith('_total'))
        throw new Error(`a counter without _total: ${subject}`);
      families.set(subject, { type: rest, series: [] });
      current = subject;
    } else if (line.startsWith('#')) throw new Error(`no such comment: ${line}`);
    else {
      const [, name = '', labels = '', value = ''] = sampleLine.exec(line) ?? [];
      if (name === '') throw new Error(`no sample: ${line}`);
      const series = { name, labels: labelsOf(labels), value: numberOf(value) };
      const [familyName, family] = familyOf(name, families);
      if (!family) throw new Error(`no TYPE before ${line}`);
      if (familyName !== current) throw new Error(`the lines of ${familyName} do not stand together`);
      if (seen.has(identity(series))) throw new Error(`this series stands twice: ${line}`);
      seen.add(identity(series));
      family.series.push(series);
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family.series);
  return [...families.values()].flatMap(({ series }) => series);
}

/** Checks that buckets are cumulative, the last one counts everything, and each set of labels has a sum and a count. */
function checkHistogram(name: string, series: readonly Series[]): void {
  const cells = new Map<string, Series[]>();
  for (const each of series) {
    const { le: _, ...labels } = each.labels;
    const key = identity({ name, labels });
    cells.set(key, [...(cells.get(key) ?? []), each]);
  }
  for (const [key, cell] of cells) {
    const of = (suffix: string) => cell.filter((each) => each.name === `${name}_${suffix}`);
    const buckets = of('bucket').map(({ labels, value }) => ({ le: numberOf(labels.le ?? ''), value }));
    const [count, ...counts] = of('count');
    if (!count || counts.length > 0 || of('sum').length !== 1)
      throw new Error(`not one sum and count: ${key}`);
    if (cell.length !== buckets.length + 2) throw new Error(`no line of a histogram: ${key}`);
    for (const [index, bucket] of buckets.entries()) {
      const before = buckets[index - 1];
      if (before && (bucket.le <= before.le || bucket.value < before.value))
        throw new Error(`not growing: ${key}`);
    }
    const last = buckets.at(-1);
    if (last?.le !== Number.POSITIVE_INFINITY || last.value !== count.value)
      throw new Error(`no +Inf: ${key}`);
  }
}
