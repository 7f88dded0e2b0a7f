// The axis of a plot has room for every label, also when the values are unusually large.

import { expect, test } from 'vitest';
import { axisWidth } from '../../src/web/shared/axis-width.ts';

test('an axis is as wide as its longest label, and no narrower than those of other plots', () => {
  const widthOf = (label: string) => 7 * label.length;
  expect(axisWidth(['0 ms', '1,500 ms'], widthOf)).toBe(66);
  expect(axisWidth(['0', '5'], widthOf)).toBe(52);
  expect(axisWidth(null, widthOf)).toBe(52);
});
