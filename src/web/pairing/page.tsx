// What the pairing page shows in each state. Used by main.tsx.

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Ring, useSecondsLeft } from './countdown.tsx';
import { QrCode } from './qr-code.tsx';
import type { SessionState } from './session.ts';
import type { Texts } from './texts.ts';

interface Props {
  readonly state: SessionState;
  readonly texts: Texts;
  readonly onAgain: () => void;
}

export function Page({ state, texts, onAgain }: Props) {
  return (
    <main class="pairing">
      <h1>{texts.title}</h1>
      <div class="panel" data-state={state.kind}>
        {/* Announced when it changes; the countdown and the code are outside, which change all the time. */}
        <div role="status" class="words">
          <Words state={state} texts={texts} />
        </div>
        {state.kind === 'waiting' && <Waiting state={state} texts={texts} />}
        {state.kind === 'limited' && <Limited until={state.until} texts={texts} onAgain={onAgain} />}
        {hasAgain(state) && <AgainButton onAgain={onAgain}>{texts.again}</AgainButton>}
      </div>
    </main>
  );
}

function hasAgain({ kind }: SessionState): boolean {
  return kind === 'timed out' || kind === 'gone' || kind === 'elsewhere';
}

function Words({ state, texts }: Omit<Props, 'onAgain'>) {
  switch (state.kind) {
    case 'opening':
      return <p class="muted">{texts.opening}</p>;
    case 'waiting':
      return <p>{texts.intro}</p>;
    case 'connected':
      return <Message title={texts.connected} hint={texts.connectedHint} sign="…" />;
    case 'paired':
      return <Message title={texts.paired} hint={texts.pairedHint} sign="✓" />;
    case 'timed out':
      return (
        <Message
          title={texts.timedOut}
          hint={state.password ? texts.passwordTimedOutHint : texts.timedOutHint}
        />
      );
    case 'lost':
      return <Message title={texts.lost} hint={texts.lostHint} />;
    case 'gone':
      return <Message title={texts.gone} hint={texts.goneHint} />;
    case 'limited':
      return <Message title={texts.limited} />;
    case 'elsewhere':
      return <Message title={texts.elsewhere} hint={texts.elsewhereHint} />;
    case 'refused':
      return <Message title={texts.refused} hint={texts.refusedHint} />;
  }
}

function Message(props: { readonly title: string; readonly hint?: string; readonly sign?: string }) {
  return (
    <>
      {props.sign !== undefined && (
        <span class="sign" aria-hidden="true">
          {props.sign}
        </span>
      )}
      <h2>{props.title}</h2>
      {props.hint !== undefined && <p>{props.hint}</p>}
    </>
  );
}

function Waiting({ state, texts }: { state: Extract<SessionState, { kind: 'waiting' }>; texts: Texts }) {
  const seconds = useSecondsLeft(state.until);
  return (
    <>
      <QrCode text={state.qrUrl} label={texts.code} />
      <p class="countdown muted">
        <Ring seconds={seconds} of={state.seconds} />
        {texts.seconds(seconds)}
      </p>
      <p class="same-device">
        {texts.sameDevice} <a href={state.mobileUrl}>{texts.openApp}</a>
      </p>
    </>
  );
}

function Limited(props: { readonly until: number; readonly texts: Texts; readonly onAgain: () => void }) {
  const seconds = useSecondsLeft(props.until);
  if (seconds === 0) return <AgainButton onAgain={props.onAgain}>{props.texts.again}</AgainButton>;
  return <p>{props.texts.limitedHint(seconds)}</p>;
}

/** Has the focus as soon as it appears: it is the only thing to do then. */
function AgainButton(props: { readonly onAgain: () => void; readonly children: ComponentChildren }) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  return (
    <button ref={button} type="button" class="again" onClick={props.onAgain}>
      {props.children}
    </button>
  );
}
