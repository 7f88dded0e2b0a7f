// The shared components of the pages: cards, badges, notes, tables, empty and error states, skeletons.

import type { ComponentChildren, JSX } from 'preact';

export type Tone = 'neutral' | 'good' | 'warn' | 'bad';

const withTone = (name: string, tone: Tone): string => (tone === 'neutral' ? name : `${name} ${tone}`);

export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={withTone('badge', tone)}>{children}</span>;
}

/** A section with a heading; `actions` are at its right. */
export function Card(props: {
  readonly title?: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card" aria-label={props.title}>
      {props.title !== undefined && (
        <header class="row spread">
          <h2>{props.title}</h2>
          {props.actions}
        </header>
      )}
      {props.children}
    </section>
  );
}

/** What happened, and what to do. `bad` and `warn` notes are announced by screen readers. */
export function Note({ tone = 'neutral', children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <div class={withTone('note', tone)} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** What an operator can do, in the words of the server. */
export function Remedy({ text }: { readonly text: string }) {
  return (
    <Note tone="warn">
      <strong>What to do</strong>
      <div class="sentence">{text}</div>
    </Note>
  );
}

/** In place of a list without entries: what would be here, and how to get it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      <div>{children}</div>
    </div>
  );
}

/** As high as what is loading, so that nothing moves when it is there. `lines` of text, or `height` in rem. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="stack" aria-busy="true">
      <span class="visually-hidden">Loading…</span>
      {Array.from({ length: lines }, (_, index) => (
        <div class="skeleton" key={index} aria-hidden="true" />
      ))}
    </div>
  );
}

/** A number that an operator looks for. */
export function Stat(props: { label: string; value: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="stat">
      <span class="muted small">{props.label}</span>
      <strong>{props.value}</strong>
      {props.note !== undefined && <span class="muted small">{props.note}</span>}
    </div>
  );
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Right-aligned digits. */
  readonly isNumber?: boolean;
  /** A few characters, which are kept on one line. */
  readonly isShort?: boolean;
}

/** A table that becomes a list of cards on a phone. The first column names the row. */
export function Table<Row>(props: {
  /** What the table lists, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}): JSX.Element {
  const classOf = ({ isNumber, isShort }: Column<Row>) =>
    isNumber ? 'number' : isShort ? 'short' : undefined;
  return (
    <table class="table cards">
      <caption class="visually-hidden">{props.caption}</caption>
      <thead>
        <tr>
          {props.columns.map((column) => (
            <th key={column.title} scope="col" class={classOf(column)}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.keyOf(row)}>
            {props.columns.map((column, index) =>
              index === 0 ? (
                <th key={column.title} scope="row" data-label={column.title} class={classOf(column)}>
                  <div>{column.cell(row)}</div>
                </th>
              ) : (
                <td key={column.title} data-label={column.title} class={classOf(column)}>
                  <div>{column.cell(row)}</div>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: 'text' | 'search' | 'password';
  readonly placeholder?: string;
  readonly autocomplete?: 'off' | 'current-password';
  readonly name?: string;
}) {
  const id = `field-${props.label.toLowerCase().replace(/\W+/g, '-')}`;
  const attributes = {
    id,
    class: 'input',
    name: props.name ?? id,
    value: props.value,
    placeholder: props.placeholder,
    autocomplete: props.autocomplete ?? 'off',
    maxLength: 512,
    spellcheck: false,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) =>
      props.onInput(event.currentTarget.value),
  } as const;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.type === 'password' ? (
        <input {...attributes} type="password" />
      ) : props.type === 'search' ? (
        <input {...attributes} type="search" />
      ) : (
        <input {...attributes} type="text" />
      )}
    </div>
  );
}

export function SelectField(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}) {
  const id = `field-${props.label.toLowerCase().replace(/\W+/g, '-')}`;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        class="input"
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        {props.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
