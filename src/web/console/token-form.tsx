// A form that judges a token claim by claim, shows what would be sent, and logs its user out. The token is sent in bodies only,
// and kept nowhere. Used by the view of disconnects.

import { useState } from 'preact/hooks';
import type { DisconnectsActionResult } from '../../console/views/disconnects.ts';
import { Badge, Card, Note, Table } from '../shared/components.tsx';
import { type Confirmation, ConfirmDialog } from '../shared/confirm.tsx';
import { formatTime } from '../shared/time.tsx';
import { runAction } from './api.ts';
import { Link } from './link.tsx';
import { type ActionResult, useResult } from './result.tsx';
import { useAction } from './use-action.ts';

type Explanation = Extract<DisconnectsActionResult, { readonly kind: 'explained' }>;

/** The server refuses longer ones. */
const maxLength = 8_192;

export function TokenForm({ urlOfRequest }: { readonly urlOfRequest: (request: string) => string }) {
  const [token, setToken] = useState('');
  const [judged, judge] = useAction<DisconnectsActionResult>('disconnects', 'explain');
  const [judgedToken, setJudgedToken] = useState('');
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const [result, report] = useResult();
  const explanation =
    judgedToken === token && judged.result?.kind === 'explained' ? judged.result : undefined;
  const logOut = (): Promise<void> =>
    report(async () => {
      const outcome = await runAction<DisconnectsActionResult>('disconnects', 'log-out', { token });
      setToken('');
      return resultOf(outcome, urlOfRequest);
    });
  const ask = ({ calls, claims }: Explanation): void =>
    setConfirmation({
      title: 'Log this user out?',
      text: (
        <>
          <p>The session of {describe(claims)} is ended now, by:</p>
          <Calls calls={calls} />
          <p>This cannot be undone. It is recorded with the client “console”.</p>
        </>
      ),
      button: 'Log out',
      isDangerous: true,
      run: () => void logOut(),
    });
  const submit = (event: Event): void => {
    event.preventDefault();
    if (token.trim() === '' || judged.isRunning) return;
    setJudgedToken(token);
    void judge({ token });
  };
  return (
    <Card title="Judge a token">
      <form class="stack" onSubmit={submit}>
        <div class="field">
          <label for="token">Token of the portal</label>
          <textarea
            id="token"
            class="input mono"
            rows={3}
            value={token}
            maxLength={maxLength}
            autocomplete="off"
            spellcheck={false}
            placeholder="eyJhbGciOiJSUzI1NiIs…"
            aria-describedby="token-note"
            onInput={(event) => setToken(event.currentTarget.value)}
          />
          <p id="token-note" class="muted small">
            It is judged as a request would be, and nothing is sent to the network. It is neither kept nor
            logged.
          </p>
        </div>
        <div class="row">
          <button type="submit" class="button primary" disabled={judged.isRunning}>
            Judge
          </button>
          {explanation?.valid && (
            <button type="button" class="button danger" onClick={() => ask(explanation)}>
              Log this user out
            </button>
          )}
        </div>
        {result}
        <div aria-live="polite">
          {judged.error !== undefined && <Note tone="bad">{judged.error}</Note>}
          {explanation && <Judgement explanation={explanation} />}
        </div>
      </form>
      <ConfirmDialog confirmation={confirmation} onClose={() => setConfirmation(undefined)} />
    </Card>
  );
}

function Judgement({ explanation }: { readonly explanation: Explanation }) {
  const { valid, faults, claims, calls } = explanation;
  const isVerified = faults.length === 0;
  return (
    <div class="stack">
      {valid ? (
        <Note tone="good">The token is valid. This would be sent:</Note>
      ) : (
        <Note tone="bad">
          The token would be refused{isVerified ? ' for what is marked below.' : `: ${faults.join(', ')}.`}{' '}
          Nothing would be sent.
        </Note>
      )}
      {calls.length > 0 && <Calls calls={calls} />}
      <Table
        caption="Claims of the token"
        rows={claims.filter(({ value, faults: wrong }) => value !== '-' || wrong.length > 0)}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Claim', cell: ({ name }) => <code>{name}</code> },
          {
            title: 'Value',
            cell: ({ name, value }) => (
              <>
                <code>{value}</code> <span class="muted small">{timeOf(name, value)}</span>
              </>
            ),
          },
          {
            title: 'Judgement',
            cell: ({ faults: wrong }) => {
              if (wrong.length > 0) return <span class="bad-text">{wrong.join(', ')}</span>;
              return isVerified ? <Badge tone="good">ok</Badge> : <span class="muted">not verified</span>;
            },
          },
        ]}
      />
    </div>
  );
}

function Calls({ calls }: { readonly calls: readonly string[] }) {
  return (
    <ul class="calls">
      {calls.map((call) => (
        <li key={call}>
          <code>{call}</code>
        </li>
      ))}
    </ul>
  );
}

/** Of a claim that is a Unix time in seconds. */
function timeOf(name: string, value: string): string {
  const isTime = ['iat', 'nbf', 'exp'].includes(name) && /^\d{1,11}$/.test(value);
  return isTime ? formatTime(Number(value) * 1_000) : '';
}

/** Who it is, as far as the token says. */
function describe(claims: Explanation['claims']): string {
  const of = (wanted: string): string =>
    (claims.find(({ name }) => name === wanted)?.value ?? '-').replace(/^"(.*)"$/, '$1');
  return `${of('sub') === '-' ? 'the user' : of('sub')} with the device ${of('clientMac')}`;
}

function resultOf(outcome: DisconnectsActionResult, urlOfRequest: (request: string) => string): ActionResult {
  if (outcome.kind === 'refused') return { tone: 'bad', text: `Nothing was sent: ${outcome.reason}.` };
  if (outcome.kind !== 'done')
    return { tone: 'bad', text: 'Nothing was done: this process does not run the disconnect service.' };
  const isEnded = outcome.outcome === 'disconnected';
  return {
    tone: isEnded ? 'good' : 'bad',
    text: (
      <>
        {isEnded ? 'Logged out. ' : `Not logged out: ${outcome.reason ?? outcome.outcome}. `}
        <Link href={urlOfRequest(outcome.request)}>Its record</Link>
      </>
    ),
  };
}
