import type { Transition } from '../../device/actor/actor.js';
import { indexOf, type PrivateColumns } from '../../device/actor/columns.js';
import type { ModelStore } from '../../device/actor/model-store.js';
import { keepState } from '../../device/actor/private-state.js';
import type { Message } from '../../messages/message.js';
import type { StoreUsage } from '../exchange/envelope.js';

/** Keeps a device's model and private state after a message, for the next round and for predictions. */
export type Keeping = {
  readonly keep: (columns: PrivateColumns, message: Message, done: Transition) => void;
  readonly usage: () => StoreUsage;
};

export const createKeeping = (store: ModelStore): Keeping => {
  let delivered = 0;
  return {
    keep: (columns, message, { model, state }) => {
      if (model !== undefined) {
        store.put(message.device, model);
        delivered += 1;
      }
      if (state !== undefined && columns.state !== undefined) {
        keepState(columns.state, indexOf(columns, message.device), message.round, state.before, state.after);
      }
    },
    usage: () => ({ ...store.usage(), delivered }),
  };
};
