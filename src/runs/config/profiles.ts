import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf } from '../../base/errors.js';
import { bytes, joules, seconds } from '../../base/units.js';
import type { DeviceProfile, Link } from '../../device/hardware/profile.js';
import { schemaError, yamlSource } from './parse-config.js';

/**
 * Device profiles and mixes of them, from YAML: the shipped ones by name, others by path.
 * A file is one profile, or has a `mix`: shares of profiles by name, shipped ones or those that its `profiles` define.
 * The shipped files describe the keys.
 */
const positive = z.number().positive();
const link = z.strictObject({
  latency: positive,
  latencySigma: z.number().min(0).max(3).default(0),
  bandwidth: positive,
  bandwidthSigma: z.number().min(0).max(3).default(0),
});

const profileSchema = z.strictObject({
  memory: positive,
  storage: positive,
  computeRate: positive,
  down: link,
  up: link,
  battery: z.strictObject({
    capacity: positive,
    reserve: z.number().min(0).lt(1),
    idle: z.number().min(0),
    chargeWatts: z.number().min(0),
    chargeFrom: z.number().min(0).lt(24),
    chargeHours: z.number().min(0).max(24),
  }),
  energy: z.strictObject({
    perMegabyteReceived: z.number().min(0),
    perMegabyteSent: z.number().min(0),
    perGigaOperation: z.number().min(0),
  }),
  dataPlan: z.strictObject({ megabytes: positive, days: positive }),
});

const mixSchema = z.strictObject({
  profiles: z.record(z.string().min(1), profileSchema).default({}),
  mix: z.record(z.string(), z.number().min(0)),
});

const MEGA = 1e6;

const linkOf = (parsed: z.infer<typeof link>): Link => ({
  latency: { median: parsed.latency, sigma: parsed.latencySigma },
  bandwidth: { median: (parsed.bandwidth * MEGA) / 8, sigma: parsed.bandwidthSigma },
});

/** In base units. */
const profileFrom = (name: string, parsed: z.infer<typeof profileSchema>): DeviceProfile => ({
  name,
  memory: bytes(parsed.memory * MEGA),
  storage: bytes(parsed.storage * MEGA),
  computeRate: parsed.computeRate * 1e9,
  down: linkOf(parsed.down),
  up: linkOf(parsed.up),
  battery: {
    capacity: joules(parsed.battery.capacity * 3600),
    reserve: parsed.battery.reserve,
    idle: parsed.battery.idle,
    charge: { watts: parsed.battery.chargeWatts, from: parsed.battery.chargeFrom, hours: parsed.battery.chargeHours },
  },
  energy: {
    perByteReceived: joules(parsed.energy.perMegabyteReceived / MEGA),
    perByteSent: joules(parsed.energy.perMegabyteSent / MEGA),
    perOperation: joules(parsed.energy.perGigaOperation / 1e9),
  },
  dataPlan: { bytes: bytes(parsed.dataPlan.megabytes * MEGA), period: seconds(parsed.dataPlan.days * 86_400) },
});

const shippedPath = (name: string): string => createRequire(import.meta.url).resolve(`#profiles/${name}.yaml`);

/** Names of the shipped profiles and mixes. */
const shipped = (): string[] => {
  const names = readdirSync(dirname(shippedPath('mix'))).map((file) => file.replace(/\.yaml$/, ''));
  return names.sort();
};

const read = (name: string): { readonly text: string; readonly path: string } => {
  const isPath = /[./\\]/.test(name);
  if (!isPath && !shipped().includes(name))
    throw badInput('CONFIG', 'key fleet.profiles', `none, ${shipped().join(', ')}, or a path to a YAML file`, name);
  const path = isPath ? name : shippedPath(name);
  try {
    return { text: readFileSync(path, 'utf8'), path };
  } catch (error) {
    throw badInput('CONFIG', 'key fleet.profiles', 'a readable file', `${name}: ${messageOf(error)}`);
  }
};

const parse = <Schema extends z.ZodObject>(schema: Schema, text: string, path: string): z.infer<Schema> => {
  const source = yamlSource(text, path);
  const keys = Object.keys(schema.shape);
  const result = schema.safeParse(source.tree);
  if (!result.success) throw schemaError(result.error, source, keys);
  return result.data;
};

export type Mix = { readonly profiles: readonly DeviceProfile[]; readonly shares: readonly number[] };

/** Throws CONFIG naming the file, the key, what was expected and what was found. */
export const loadProfiles = (name: string): Mix => {
  const { text, path } = read(name);
  const { tree } = yamlSource(text, path);
  if (!('mix' in tree)) {
    const own = path
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.ya?ml$/, '');
    return { profiles: [profileFrom(own, parse(profileSchema, text, path))], shares: [1] };
  }
  const { profiles, mix } = parse(mixSchema, text, path);
  const names = Object.keys(mix);
  const total = Object.values(mix).reduce((sum, share) => sum + share, 0);
  if (Math.abs(total - 1) > 1e-6) throw badInput('CONFIG', `${path}, key mix`, 'shares that add up to 1', String(total));
  const others = shipped().filter((profile) => profile !== 'mix');
  const isOwn = (profile: string): boolean => Object.hasOwn(profiles, profile);
  for (const profile of names) {
    if (!isOwn(profile) && !others.includes(profile))
      throw badInput('CONFIG', `${path}, key mix.${profile}`, `a profile: ${others.join(', ')} or one of its own`, profile);
  }
  const load = (profile: string): DeviceProfile =>
    isOwn(profile) ? profileFrom(profile, profiles[profile]!) : loadProfiles(profile).profiles[0]!;
  return { profiles: names.map(load), shares: Object.values(mix) };
};
