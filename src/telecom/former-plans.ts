// Numbering plans that longer ones have replaced, to distinguish an outdated number from nonsense. Used by normaliser.ts.

/** The form of outdated numbers, with country code. */
const formerPlans: readonly RegExp[] = [
  // Senegal, until October 2007.
  /^221\d{7}$/,
  // Guinea, mobile numbers until 2013.
  /^2246\d{7}$/,
  // Ivory Coast, until January 2021.
  /^225\d{8}$/,
  // Togo, until 2010.
  /^228\d{7}$/,
  // Benin, until November 2024.
  /^229\d{8}$/,
  // Cameroon, until 2007 and until November 2014.
  /^237\d{7,8}$/,
  // Republic of the Congo, until 2007.
  /^242\d{7}$/,
];

/** @param digits of the number with its country code, without `+` */
export function isOfFormerPlan(digits: string): boolean {
  return formerPlans.some((form) => form.test(digits));
}
