// The Pairings view: who paired a phone when, by which key; search, and revocation after a confirmation.

import { useState } from 'preact/hooks';
import type { PairingsActionResult, PairingsData } from '../../../console/views/pairings.ts';
import { Badge, Empty, Table } from '../../shared/components.tsx';
import { type Confirmation, ConfirmDialog } from '../../shared/confirm.tsx';
import { Ago } from '../../shared/time.tsx';
import { runAction } from '../api.ts';
import { CopyButton } from '../copy-button.tsx';
import { CursorPager, ListCard, SearchField, useFilter, useKept } from '../list.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { type ActionResult, useResult } from '../result.tsx';
import type { PageView } from '../view.ts';

type Row = PairingsData['pairings'][number];

function Pairings() {
  const { filter, change, urlWith } = useFilter('pairings', ['prefix', 'after']);
  const prefix = userIdIn(filter.prefix);
  const after = userIdIn(filter.after);
  const live = useLive<PairingsData>('pairings', { prefix, after });
  const data = useKept(live.data);
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const [result, report] = useResult();
  /** The time of each pairing that was revoked here, by user: the list shows it only when it is read again. */
  const [revokedNow, setRevokedNow] = useState<ReadonlyMap<string, number>>(new Map());
  const revoke = (userId: string): Promise<void> =>
    report(async () => {
      const outcome = await runAction<PairingsActionResult>('pairings', 'revoke', { userId });
      if (outcome.kind !== 'unknown') {
        const { pairedAt } = outcome.pairing;
        setRevokedNow((before) => new Map([...before, [userId, pairedAt]]));
      }
      return resultOf(userId, outcome);
    });
  const ask = ({ userId }: Row): void =>
    setConfirmation({
      title: `Revoke the pairing of ${userId}?`,
      text: (
        <>
          <p>
            From then on no SMS is decrypted under a key that the phones of this user have, on any node.
            Messages that were decrypted before are still published.
          </p>
          <p>This cannot be undone. The user can pair a phone again at any time.</p>
        </>
      ),
      button: 'Revoke',
      isDangerous: true,
      run: () => void revoke(userId),
    });
  return (
    <>
      <PageHead title="Pairings" live={live} />
      {result}
      <ListCard
        title="Users"
        live={live}
        filters={
          <SearchField
            label="User id begins with"
            value={prefix}
            placeholder="alice"
            onSearch={(text) => change({ prefix: userIdIn(text), after: '' })}
          />
        }
        list={
          data && (
            <>
              <PairingTable data={data} isFiltered={prefix !== ''} revokedNow={revokedNow} onRevoke={ask} />
              <CursorPager
                isFirst={after === ''}
                firstUrl={urlWith({ after: '' })}
                nextUrl={data.next === undefined ? undefined : urlWith({ after: data.next })}
              />
            </>
          )
        }
      />
      <ConfirmDialog confirmation={confirmation} onClose={() => setConfirmation(undefined)} />
    </>
  );
}

/** What the server accepts of a text that may come from a URL. */
function userIdIn(text = ''): string {
  return text.replace(/[^\w.+-]/g, '').slice(0, 128);
}

function resultOf(userId: string, outcome: PairingsActionResult): ActionResult {
  if (outcome.kind === 'revoked')
    return { tone: 'good', text: `Revoked: nothing is decrypted under the keys of ${userId} any more.` };
  if (outcome.kind === 'already revoked')
    return { tone: 'good', text: `The pairing of ${userId} had been revoked before.` };
  return { tone: 'bad', text: `Nothing was done: ${userId} has not paired.` };
}

function PairingTable(props: {
  readonly data: PairingsData;
  readonly isFiltered: boolean;
  readonly revokedNow: ReadonlyMap<string, number>;
  readonly onRevoke: (row: Row) => void;
}) {
  const { pairings } = props.data;
  if (pairings.length === 0 && props.isFiltered)
    return <Empty title="No user begins so">Upper and lower case differ.</Empty>;
  if (pairings.length === 0)
    return (
      <Empty title="No phone has paired yet">
        <span>
          Show a user the code with <code>swob sync qr &lt;user&gt;</code>, or with the pairing page:{' '}
          <code>[console] pairing = on</code>.
        </span>
      </Empty>
    );
  const isRevoked = ({ userId, pairedAt, revokedAt }: Row): boolean =>
    revokedAt !== undefined || props.revokedNow.get(userId) === pairedAt;
  return (
    <Table
      caption="Pairings"
      rows={pairings}
      keyOf={({ userId }) => userId}
      columns={[
        { title: 'User', cell: ({ userId }) => userId },
        { title: 'Paired', cell: ({ pairedAt }) => <Ago at={pairedAt * 1_000} /> },
        { title: 'Key', cell: ({ fingerprint }) => <Fingerprint fingerprint={fingerprint} /> },
        {
          title: 'State',
          cell: (row) =>
            isRevoked(row) ? (
              <Badge tone="warn">
                revoked {row.revokedAt !== undefined && <Ago at={row.revokedAt * 1_000} />}
              </Badge>
            ) : (
              <Badge tone="good">paired</Badge>
            ),
        },
        {
          title: 'Action',
          cell: (row) =>
            isRevoked(row) ? null : (
              <button
                type="button"
                class="button danger"
                aria-label={`Revoke the pairing of ${row.userId}`}
                onClick={() => props.onRevoke(row)}
              >
                Revoke
              </button>
            ),
        },
      ]}
    />
  );
}

/** Its beginning, which is enough to compare by eye, and a button that copies all of it. */
function Fingerprint({ fingerprint }: { readonly fingerprint: string | undefined }) {
  if (fingerprint === undefined) return <span class="muted">unknown</span>;
  return (
    <span class="row">
      <code title={fingerprint}>{fingerprint.slice(0, 16)}…</code>
      <CopyButton text={fingerprint} label="Copy the SHA-256 of the key" />
    </span>
  );
}

export const pairingsView: PageView = { name: 'pairings', title: 'Pairings', View: Pairings };
