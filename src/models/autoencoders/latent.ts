import type { Random } from '../../base/random.js';

/** Latent variables of one row: z = mean + ε·exp(logVariance / 2), ε ~ N(0, 1), and what the backward pass needs. */
export type Latent = { readonly z: Float32Array; readonly noise: Float32Array };

/** Draws z from `hidden` = [mean, log variance], by the reparametrization trick (Kingma & Welling, 2014). Returns KL(q ‖ N(0, 1)). */
export const drawLatent = (hidden: Float32Array, { z, noise }: Latent, source: Random): number => {
  const count = z.length;
  let divergence = 0;
  for (let k = 0; k < count; k++) {
    const [mean, logVariance] = [hidden[k]!, hidden[count + k]!];
    noise[k] = source.normal() * Math.exp(logVariance / 2);
    z[k] = mean + noise[k]!;
    divergence += 0.5 * (mean * mean + Math.exp(logVariance) - 1 - logVariance);
  }
  return divergence;
};

/** The gradient of loss + weight · KL with respect to `hidden`, from that with respect to z. `noise` is what drawLatent left there. */
export const latentSlopes = (hidden: Float32Array, noise: Float32Array, dz: Float32Array, weight: number, slopes: Float32Array): void => {
  const count = dz.length;
  for (let k = 0; k < count; k++) {
    const logVariance = hidden[count + k]!;
    slopes[k] = dz[k]! + weight * hidden[k]!;
    slopes[count + k] = 0.5 * (dz[k]! * noise[k]! + weight * (Math.exp(logVariance) - 1));
  }
};
