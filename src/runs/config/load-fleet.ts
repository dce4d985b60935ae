import { badInput } from '../../base/errors.js';
import { deviceId, seconds } from '../../base/units.js';
import { askedIn } from '../../coordinator/round/policy.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import type { PolicySettings, RoundSettings } from '../../coordinator/settings.js';
import type { Availability } from '../../device/hardware/availability.js';
import { type FleetSetup, profileOf } from '../../device/hardware/profile.js';
import { loadTrace } from './availability-trace.js';
import type { Config } from './config.js';
import { chosen } from './definitions.js';
import { loadProfiles } from './profiles.js';

const availabilityOf = ({ availability, leastAvailable, mostAvailable, peakHour }: Config['fleet']): Availability => {
  switch (availability) {
    case 'always':
      return { kind: 'always' };
    case 'diurnal':
      if (leastAvailable > mostAvailable)
        throw badInput('CONFIG', 'key fleet.leastAvailable', `at most fleet.mostAvailable, ${mostAvailable}`, String(leastAvailable));
      return { kind: 'diurnal', lowest: leastAvailable, highest: mostAvailable, peakHour };
    default:
      return { kind: 'trace', trace: loadTrace(availability) };
  }
};

/** The simulated fleet that a configuration asks for, or undefined. Throws CONFIG naming key, or file and line. */
export const loadFleet = ({ seed, fleet }: Config): FleetSetup | undefined => {
  if (fleet.profiles === 'none') return undefined;
  const { zones, startHour, dropoutBefore: before, dropoutDuring: during, dropoutAfter: after } = fleet;
  return {
    seed,
    ...loadProfiles(fleet.profiles),
    zones,
    startHour,
    availability: availabilityOf(fleet),
    dropout: { before, during, after },
  };
};

/** Devices by profile. */
export const countProfiles = (setup: FleetSetup, devices: number): NonNullable<RoundSettings['fleet']> => {
  const counts = setup.profiles.map(() => 0);
  for (let device = 0; device < devices; device++) counts[profileOf(setup, deviceId(device))]! += 1;
  return { profiles: setup.profiles.map(({ name }, index) => ({ name, devices: counts[index]! })) };
};

/** Throws CONFIG for a policy that needs a fleet which is not configured, or more devices than there are. */
export const policyOf = ({ policy, cohort, fleet, sampling }: Config, devices: number): PolicySettings => {
  const { kind, concurrency } = policy;
  if (fleet.profiles === 'none') {
    if (kind !== 'wait-all')
      throw badInput('CONFIG', 'key policy.kind', 'wait-all, as without fleet.profiles devices take no virtual time', kind);
    if (fleet.availability !== 'always' || fleet.dropoutBefore + fleet.dropoutDuring + fleet.dropoutAfter > 0)
      throw badInput('CONFIG', 'key fleet.profiles', 'profiles, as availability or dropout is configured', 'none');
  }
  if (kind === 'buffered' && chosen(SAMPLER, sampling).definition.traits.everyDeviceOnce)
    throw badInput('CONFIG', 'key sampling', `another than ${sampling}, since buffered rounds do not ask a fixed number`, sampling);
  if (kind === 'buffered' && chosen(SAMPLER, sampling).definition.traits.earns === 'poisson')
    throw badInput('CONFIG', 'key sampling', `another than ${sampling}, since buffered rounds ask as many as have answered`, sampling);
  const settings: PolicySettings = {
    ...policy,
    timeout: seconds(policy.timeout),
    deadline: seconds(policy.deadline),
    concurrency: concurrency === 0 ? Math.min(2 * cohort, devices) : concurrency,
  };
  if (kind === 'buffered' && settings.concurrency < cohort)
    throw badInput('CONFIG', 'key policy.concurrency', `at least the cohort of ${cohort}`, String(settings.concurrency));
  const asked = askedIn(settings, cohort, 0);
  if (asked > devices)
    throw badInput(
      'CONFIG',
      `key policy.${kind === 'buffered' ? 'concurrency' : 'overSelection'}`,
      `at most the fleet's ${devices} devices at a time`,
      String(asked),
    );
  return settings;
};
