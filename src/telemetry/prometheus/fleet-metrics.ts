import type { Instruments } from './instruments.js';
import type { Subject } from './subject.js';

export const fleetMetrics = ({ counter, gauge }: Instruments): Subject => {
  const devices = gauge('devices', 'Devices in the fleet');
  const items = gauge('items', 'Items that can be rated');
  const activated = counter('devices_activated_total', 'Models generated and delivered to a device for training');
  const evicted = counter('models_evicted_total', 'Generated models evicted under the memory budget');
  const models = gauge('resident_models', 'Generated models held by the hosts');
  const modelBytes = gauge('resident_model_bytes', 'Bytes of the generated models held by the hosts');
  const lost = counter('hosts_lost_total', 'Device hosts that died');
  const restored = counter('hosts_restored_total', 'Device hosts started again and reloaded');
  const coordinatorsLost = counter('coordinators_lost_total', 'Coordinator threads that died');
  const checkpointFailures = counter('checkpoint_failures_total', 'Checkpoints that could not be written');
  const checkpoints = counter('checkpoints_total', 'Checkpoints written');
  const checkpointBytes = gauge('checkpoint_size_bytes', 'Size of the last checkpoint');
  return {
    started: (event) => {
      devices.value = event.devices;
      items.value = event.items;
    },
    round: (event) => {
      activated.value += event.activated;
      evicted.value += event.evicted;
      models.value = event.residentModels;
      modelBytes.value = event.residentBytes;
    },
    other: (event) => {
      switch (event.type) {
        case 'host-lost':
          lost.value += 1;
          return;
        case 'host-restored':
          restored.value += 1;
          return;
        case 'checkpoint':
          checkpoints.value += 1;
          checkpointBytes.value = event.bytes;
          return;
        case 'coordinator-lost':
          coordinatorsLost.value += 1;
          return;
        case 'checkpoint-failed':
          checkpointFailures.value += 1;
          return;
        case 'coordinator-restored':
        case 'checkpoint-refused':
        case 'run-finished':
          return;
        default:
          event satisfies never;
      }
    },
  };
};
