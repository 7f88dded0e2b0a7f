// Says what a daemon did in its longest turns of the event loop, from a profile of `node --cpu-prof`. Used by benches/tail.ts and
// benches/pauses.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Turn, Turns } from './children/turns.ts';
import { createPlaceLookup, type Profile } from './profile-summary.ts';

/** Shorter turns are no pauses. */
const minPauseMs = 10;
const shownPauses = 10;
const shownPlaces = 3;
/** A turn that other programs interrupt has samples from before, which are no more than this share. */
const minShare = 0.2;

/** The latest profile of a folder: their names begin with the time. */
export function latestProfile(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  const name = readdirSync(folder)
    .filter((each) => each.endsWith('.cpuprofile'))
    .sort()
    .at(-1);
  return name === undefined ? undefined : join(folder, name);
}

/** @returns makes a line for each pause, the longest first; with the functions that most of its samples were in where there is a profile */
export function describePauses(profileFile: string | undefined): (turns: Turns) => string[] {
  const placesOf = profileFile === undefined ? () => [] : createPauseReader(profileFile);
  return ({ longest }) =>
    longest
      .filter(({ cpuMs }) => cpuMs >= minPauseMs)
      .slice(0, shownPauses)
      .map((pause) => {
        const places = placesOf(pause);
        const what = places.length > 0 ? `: ${places.join(' < ')}` : '';
        return `pause of ${pause.cpuMs.toFixed(1)} ms of CPU (${pause.wallMs.toFixed(1)} ms)${what}`;
      });
}

/** @returns the innermost functions of the source that had the largest share of a turn, each with its share */
function createPauseReader(file: string): (turn: Turn) => string[] {
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  const placeOf = createPlaceLookup();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  return ({ endUs, wallMs }) => {
    const counts = new Map<string, number>();
    let [at, all] = [profile.startTime, 0];
    for (const [index, sample] of profile.samples.entries()) {
      at += profile.timeDeltas[index] ?? 0;
      if (at < endUs - wallMs * 1_000 || at > endUs) continue;
      if (nodes.get(sample)?.callFrame.functionName === '(idle)') continue;
      all++;
      const seen = new Set<string>();
      for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
        const node = nodes.get(id);
        const place = node && placeOf(node.callFrame);
        if (place !== undefined) seen.add(place);
      }
      for (const place of seen) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    return [...counts]
      .filter(([, count]) => count / all >= minShare)
      .sort(([, a], [, b]) => a - b)
      .slice(0, shownPlaces)
      .map(([place, count]) => `${place} ${Math.round((100 * count) / all)} %`);
  };
}
