/**
 * What the noise of a run has spent so far, for the device (the user) as the unit.
 *
 *   shared parameters    who sees Θ after every round, except the coordinator, which sees updates before noise
 *   sums                 the same, and the coordinator sees masked updates and their sum only
 *   updates              who sees all messages of a device, the coordinator too
 *   values of updates    the same for the values; the items whose rows a message names are not protected
 */
export const PROTECTED = ['shared parameters', 'sums', 'updates', 'values of updates'] as const;

export type PrivacySpent = {
  /** null: no guarantee, because nothing bounds what a device sends, or there is no noise. */
  readonly epsilon: number | null;
  readonly delta: number;
  readonly protects: (typeof PROTECTED)[number];
};
