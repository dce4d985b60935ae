import { badInput } from '../../base/errors.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import { lengthOf, type Stages } from '../../coordinator/stages.js';
import type { FleetSetup } from '../../device/hardware/profile.js';
import type { HostPerturbations } from '../../transport/threads/host-faults.js';
import type { Config } from './config.js';
import { chosen } from './definitions.js';

/** Built-in samplers that can leave out devices that do not take part yet. */
const CAN_LEAVE_OUT = SAMPLER.builtIns.filter(({ traits }) => traits.heedsStages).map(({ name }) => name);

/** The stages of a run. Throws CONFIG for stages that the rest of the configuration does not allow. */
export const stagesOf = ({ stages, sampling, fleet, policy }: Config, devices: number): Stages => {
  const says = (key: 'devices' | 'cohort' | 'arrivals'): boolean => stages.list.some((stage) => stage[key] !== undefined);
  const most = Math.max(0, ...stages.list.flatMap((stage) => [stage.devices ?? 0, stage.cohort ?? 0]));
  if (stages.list.length > 0 && lengthOf(stages) === 0)
    throw badInput('CONFIG', 'key stages.list', 'stages that last, as the run ends with them', 'a length of 0 in all');
  if (most > devices) throw badInput('CONFIG', 'key stages.list', `at most the fleet's ${devices} devices`, String(most));
  const { heedsStages, everyDeviceOnce } = chosen(SAMPLER, sampling).definition.traits;
  if (says('devices') && !heedsStages)
    throw badInput('CONFIG', 'key sampling', `${CAN_LEAVE_OUT.join(', ')}, as stages change the devices that take part`, sampling);
  if ((says('cohort') || says('arrivals')) && everyDeviceOnce)
    throw badInput('CONFIG', 'key sampling', `another than ${sampling}, as stages change the cohort`, sampling);
  if (says('arrivals') && stages.unit !== 'virtual')
    throw badInput('CONFIG', 'key stages.unit', 'virtual, as arrivals are a virtual second', stages.unit);
  if (stages.unit === 'virtual' && fleet.profiles === 'none')
    throw badInput('CONFIG', 'key fleet.profiles', 'profiles, as stages count virtual time', 'none');
  if (policy.kind === 'buffered' && (says('cohort') || says('arrivals')))
    throw badInput('CONFIG', 'key policy.kind', 'another than buffered, as stages change the cohort', policy.kind);
  return stages;
};

/** The fleet with the faults of its devices. */
export const withPerturbations = (setup: FleetSetup, { perturbations }: Config): FleetSetup => {
  const { degradedLinks, linkFactor, skewedClocks, skewHours, delayed, delaySeconds } = perturbations;
  return degradedLinks + skewedClocks + delayed === 0
    ? setup
    : { ...setup, perturbations: { degradedLinks, linkFactor, skewedClocks, skewHours, delayed, delaySeconds } };
};

/** The faults of hosts, or undefined. Throws CONFIG for a perturbation of virtual time without a simulated fleet. */
export const hostPerturbations = ({ seed, perturbations, fleet }: Config, hosts: number): HostPerturbations | undefined => {
  const { slowHosts, slowMillis, lost, duplicated, corrupted, byzantine, attacks, attackFactor: factor } = perturbations;
  const needing = (['degradedLinks', 'skewedClocks', 'delayed'] as const).find((key) => perturbations[key] > 0);
  if (needing !== undefined && fleet.profiles === 'none')
    throw badInput('CONFIG', 'key fleet.profiles', `profiles, as perturbations.${needing} is about virtual time`, 'none');
  if (slowHosts + lost + duplicated + corrupted + byzantine === 0) return undefined;
  return {
    slowHosts: Math.ceil(slowHosts * hosts),
    slowMillis,
    byzantine: { seed, share: byzantine, attacks, factor },
    wire: { seed, lost, duplicated, corrupted },
  };
};
