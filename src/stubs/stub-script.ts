// The file that scripts how a stub behaves, request by request, and what it should receive. Used by the `stub` commands.

import { Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { SwobError } from '../errors.ts';
import { atLeastOnce, type Expectation, parseCondition, parseTimes } from './expectation.ts';

/** Of the file; docs/reference/stub-script.schema.json is generated from it. */
export const stubScriptSchema = Type.Object(
  {
    behaviour: Type.Optional(
      Type.Array(
        Type.Object(
          {
            mode: Type.String({ description: 'A mode of the stub, such as normal, slow, refuse or hang' }),
            times: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 1_000_000,
                description: 'Requests that get it; 1 by default',
              }),
            ),
            ms: Type.Optional(
              Type.Number({
                minimum: 0,
                maximum: 3_600_000,
                description: 'Delay of mode slow, in milliseconds',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        {
          maxItems: 10_000,
          description: 'Applied to the requests in order; later requests get the mode of --mode',
        },
      ),
    ),
    expect: Type.Optional(
      Type.Array(
        Type.Object(
          {
            received: Type.Array(Type.String(), {
              maxItems: 20,
              description:
                'Conditions that all hold for a request: field=text, field!=text, field~=pattern, field!~=pattern',
            }),
            times: Type.Optional(
              Type.Union([Type.Integer({ minimum: 0 }), Type.String()], {
                description: 'Requests that match: 2, ">=2", "<=2" or "1-3"; at least 1 by default',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1_000, description: 'Checked when the stub ends' },
      ),
    ),
  },
  { additionalProperties: false, title: 'Script of a stub of swob' },
);

export interface BehaviourStep<M extends string> {
  readonly mode: M;
  readonly times: number;
  readonly ms?: number | undefined;
}

export interface StubScript<M extends string> {
  readonly behaviour: readonly BehaviourStep<M>[];
  readonly expect: readonly Expectation[];
}

/** Checks the content of a script for a stub with these modes. Throws BAD_INPUT, naming the place. */
export function parseStubScript<M extends string>(content: unknown, modes: readonly M[]): StubScript<M> {
  if (!Check(stubScriptSchema, content)) {
    const [fault] = Errors(stubScriptSchema, content);
    // typebox's words for a member that the schema does not have.
    const why = fault?.message === 'schema is false' ? 'unknown member' : (fault?.message ?? 'not a script');
    throw new SwobError('BAD_INPUT', `${fault?.instancePath || 'the file'}: ${why}`);
  }
  const { behaviour = [], expect = [] } = content;
  return {
    behaviour: behaviour.map(({ mode, times = 1, ms }, index) => {
      const known = modes.find((each) => each === mode);
      if (known !== undefined) return { mode: known, times, ms };
      throw new SwobError('BAD_INPUT', `/behaviour/${index}/mode: expected one of ${modes.join(', ')}`);
    }),
    expect: expect.map(({ received, times }) => ({
      received: received.map(parseCondition),
      times: times === undefined ? atLeastOnce : parseTimes(String(times)),
    })),
  };
}
