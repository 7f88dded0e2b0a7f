// One field that finds a device or a message wherever it is listed. Used by the Overview.

import { useState } from 'preact/hooks';
import { TextField } from '../shared/components.tsx';
import { navigate, urlOf } from './router.ts';

/** MAC addresses in the spellings of portals and NAS, and IP addresses. */
const devicePattern =
  /^(?:(?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}|[\d.]+\.\d+)$/i;
/** A MAC address without separators may be a phone number, too, when it has digits only. */
const digitsPattern = /^\d+$/;

export function FindForm() {
  const [text, setText] = useState('');
  const find = (event: Event): void => {
    event.preventDefault();
    const wanted = text.trim().slice(0, 100);
    if (wanted === '') return;
    const isDevice = devicePattern.test(wanted) && !digitsPattern.test(wanted);
    navigate(urlOf(isDevice ? 'disconnects' : 'messages', { text: wanted }));
  };
  return (
    <search>
      <form class="find" onSubmit={find}>
        <TextField
          type="search"
          label="Find a device or a message"
          value={text}
          placeholder="MAC, phone number or message id"
          onInput={setText}
        />
        <button type="submit" class="button">
          Find
        </button>
      </form>
    </search>
  );
}
