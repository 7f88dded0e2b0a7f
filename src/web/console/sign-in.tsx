// The page on which an operator signs in with the admin token. Used by the shell.

import { useState } from 'preact/hooks';
import { Note, TextField } from '../shared/components.tsx';
import { signIn } from './api.ts';

export function SignIn({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(token);
      onSignedIn();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form class="card stack" onSubmit={submit}>
        <h1>swob console</h1>
        <p class="muted">
          Sign in with the admin token of the gateway. It is in the file that{' '}
          <code>[security] admin_token_filepath</code> names.
        </p>
        <TextField
          label="Admin token"
          type="password"
          name="token"
          autocomplete="current-password"
          value={token}
          onInput={setToken}
        />
        {error !== undefined && <Note tone="bad">{error}</Note>}
        <button class="button primary" type="submit" disabled={isBusy || token.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  );
}
