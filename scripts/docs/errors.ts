// docs/reference/errors.md, from the error catalogue and the close codes. Used by pages.ts.

import { exitIntro, exitMeanings } from '../../src/cli/help/exit-codes.ts';
import { errorCatalogue } from '../../src/errors.ts';
import { closeCodes } from '../../src/sync/close-codes.ts';
import { code, page, sentence, table } from './markdown.ts';

const codesIntro = `Errors of the command line are \`swob: <message>\` on stderr, or with \`--json\` an object with \`code\` and \`message\`.
The gateway answers the HTTP status with a line of plain text; the disconnect service answers JSON with \`fail\` and \`code\`.
\`code\` is for programs; messages may change. Both answer \`Retry-After\` where a later attempt can succeed.`;

const closeIntro = `The sync websocket closes with these codes and reasons. Violations of the websocket protocol are closed with the codes of
RFC 6455: 1002 (protocol error), 1007 (invalid UTF-8), 1009 (message too big).`;

export function errorsPage(): string {
  const errors = Object.entries(errorCatalogue);
  const exits = [...new Set(errors.map(([, { exit }]) => exit))].sort((a, b) => a - b);
  return page(
    'Errors',
    'Error codes, exit codes, and close codes of the sync websocket.',
    '## Error codes',
    codesIntro,
    table(
      ['code', 'HTTP status', 'exit code', 'meaning'],
      errors.map(([name, { http, exit, meaning }]) => [
        code(name),
        String(http),
        String(exit),
        sentence(meaning),
      ]),
    ),
    '## Exit codes',
    exitIntro,
    table(
      ['exit code', 'meaning', 'error codes'],
      exits.map((exit) => [
        String(exit),
        meaningOf(exit),
        errors
          .filter(([, error]) => error.exit === exit)
          .map(([name]) => code(name))
          .join(', '),
      ]),
    ),
    '## Close codes of the sync websocket',
    closeIntro,
    table(
      ['close code', 'reason', 'meaning'],
      Object.values(closeCodes).map((close) => [String(close.code), close.reason, close.meaning]),
    ),
  );
}

function meaningOf(exit: number): string {
  const meaning = exitMeanings[exit];
  if (meaning === undefined)
    throw new Error(`exit code ${exit} has no meaning in src/cli/help/exit-codes.ts`);
  return meaning;
}
