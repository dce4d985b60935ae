/** unavailable: asleep or out of reach when asked; before, during, after: lost then, seen from the local training. */
export const DROP_STAGES = ['unavailable', 'before', 'during', 'after'] as const;
export type DropStage = (typeof DROP_STAGES)[number];

/**
 * What a device has only so much of. memory: the model and her ratings while she trains; storage: ratings and what she keeps;
 * dataPlan: of the period's allowance; battery: missing from a full one; compute: share of the seconds that went into computing.
 */
export const RESOURCES = ['memory', 'storage', 'dataPlan', 'battery', 'compute'] as const;
export type Resource = (typeof RESOURCES)[number];
