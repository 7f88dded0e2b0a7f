// The topics of `swob help <topic>`. Used by run.ts, program.ts and the completion.

export const topics = {
  'exit-codes': 'what each exit code means',
  configuration: 'every key of the configuration',
  environment: 'every environment variable',
} as const;

export type Topic = keyof typeof topics;

/** The topic that is asked for: `help exit-codes`, with options before and after it. */
export function topicOf(words: readonly string[]): Topic | undefined {
  const [word, ...more] = words;
  return word !== undefined && more.length === 0 && Object.hasOwn(topics, word) ? (word as Topic) : undefined;
}
