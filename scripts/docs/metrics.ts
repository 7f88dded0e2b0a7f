// docs/reference/metrics.md, from what a running daemon shows Prometheus. Used by pages.ts.

import { code, page, table } from './markdown.ts';

const intro = `\`GET /metrics\` of any service shows these in Prometheus' text format, to the addresses in \`[metrics] allow\`. All services of
one process share the metrics: scrape one port of each process. Counters of outgoing SMS exist when \`[broker] url\` is set.
Labels whose values depend on requests or on the machine show no values here; \`status\` is a class such as \`2xx\`. [operating.md](../operating.md) says which of them to watch.`;

/** Labels whose values depend on requests, machine or version. */
const openLabels: ReadonlySet<string> = new Set([
  'route',
  'type',
  'version',
  'node',
  'le',
  'method',
  'status',
]);

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Values by label, in the order in which they are shown. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

export function metricsOf(text: string): Metric[] {
  const helps = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)];
  return helps.map(([, name = '', help = '']) => {
    const [, type = ''] = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text) ?? [];
    const labels = new Map<string, Set<string>>();
    for (const [, set = ''] of text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm')))
      for (const [, label = '', value = ''] of set.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
        labels.set(label, (labels.get(label) ?? new Set()).add(value));
    labels.delete('le');
    return { name, type, help, labels };
  });
}

export function metricsPage(text: string): string {
  const metrics = metricsOf(text).sort((a, b) => (a.name < b.name ? -1 : 1));
  const group = (title: string, own: boolean): string => {
    const rows = metrics
      .filter(({ name }) => name.startsWith('swob_') === own)
      .map(({ name, type, help, labels }) => [code(name), type, labelsOf(labels), help]);
    return `## ${title}\n\n${table(['metric', 'type', 'labels', 'meaning'], rows)}`;
  };
  return page('Metrics', intro, group('Metrics of swob', true), group('Metrics of the process', false));
}

function labelsOf(labels: Metric['labels']): string {
  return [...labels]
    .map(([label, values]) =>
      openLabels.has(label) ? code(label) : `${code(label)}: ${[...values].sort().map(code).join(', ')}`,
    )
    .join('; ');
}
