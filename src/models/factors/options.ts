import { z } from 'zod';

/** Options that factor models have in common; each gives its own defaults. */
export const factorsOption = (initial: number) =>
  z.int().min(1).max(4096).default(initial).describe('length of the vectors of users and items');
export const rateOption = (initial: number) => z.number().positive().default(initial).describe('learning rate of the first epoch');
export const rateDecayOption = (initial: number) =>
  z.number().positive().max(1).default(initial).describe('factor on the learning rate after each epoch');
export const decayOption = (initial: number, of = 'vectors') => z.number().min(0).default(initial).describe(`L2 weight of ${of}`);
export const deviationOption = (initial: number) =>
  z.number().min(0).default(initial).describe('standard deviation of the vectors that training begins with');
