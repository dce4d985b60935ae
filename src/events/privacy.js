export const PROTECTED = ['shared parameters', 'sums', 'updates', 'values of updates'];
