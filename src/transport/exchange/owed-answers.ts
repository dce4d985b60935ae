import { badInput, MetafleetError } from '../../base/errors.js';
import type { Bytes, DeviceId } from '../../base/units.js';
import type { Answers, Rejection } from '../../coordinator/round/devices.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Message } from '../../messages/message.js';

/**
 * The answers that hosts and devices owe in one exchange, and those that came. It knows no channel, no clock and no promise.
 * Every way to reach hosts shares it. A host answers each frame with one frame, in order.
 * Each device that was asked owes one answer to its frame.
 */
export type OwedAnswers = {
  /** A frame of `length` bytes with these messages went to a host. */
  readonly owe: (host: number, messages: readonly Message[], length: number) => void;
  /** Whether every host can take another frame. */
  readonly hasRoom: () => boolean;
  /** Whether no host owes a frame. */
  readonly isAnswered: () => boolean;
  /**
   * Takes a host's answer to its oldest frame: each record is a message or an error. Returns which records answer a request.
   * A device that gave no answer is charged with a fault of its frame: no other record can have been its answer.
   * Throws MESSAGE, naming `place`, if the host owes nothing.
   */
  readonly settle: (host: number, answer: HostAnswer, place: string) => readonly number[];
  /** The answers since the last call, in DeviceId order. Hosts finish in any order, and no result may depend on it. */
  readonly take: () => Answers;
};

export type HostAnswer = { readonly records: readonly (Message | MetafleetError)[]; readonly costs: readonly DeviceCost[] };

/** A frame that a host owes an answer to: the rounds of the devices that it asked, and its bytes. */
type Frame = { readonly owing: Map<DeviceId, number>; readonly length: number };

type Collected = { messages: Message[]; rejected: Rejection[]; duplicates: number; costs: DeviceCost[] };

const nothing = (): Collected => ({ messages: [], rejected: [], duplicates: 0, costs: [] });

/** A host has room while fewer than two frames, or fewer than `mostUnanswered` bytes of them, wait for its answer. */
export const createOwedAnswers = (hosts: number, mostUnanswered: Bytes): OwedAnswers => {
  /** By host, oldest first. */
  const outstanding = Array.from({ length: hosts }, (): Frame[] => []);
  let collected = nothing();

  const settleRecord = (owing: Frame['owing'], record: Message, place: string, faults: Omit<Rejection, 'device'>[]): boolean => {
    const { device } = record;
    const round = owing.get(device);
    if (round === undefined) {
      const { message } = badInput('MESSAGE', place, 'answers of devices that were asked', `one of device ${device}`);
      faults.push({ cause: 'identity', text: message });
      return false;
    }
    owing.delete(device);
    if (record.round === round) {
      collected.messages.push(record);
      return true;
    }
    const { message } = badInput('MESSAGE', `${place}, device ${device}`, `round ${round}`, `round ${record.round}`);
    collected.rejected.push({ device, cause: 'round', text: message });
    return false;
  };

  return {
    owe: (host, messages, length) => {
      const owing = new Map<DeviceId, number>();
      for (const { device, round } of messages) owing.set(device, round);
      outstanding[host]!.push({ owing, length });
    },
    hasRoom: () => outstanding.every((frames) => frames.length < 2 || frames.reduce((sum, { length }) => sum + length, 0) < mostUnanswered),
    isAnswered: () => outstanding.every((frames) => frames.length === 0),
    settle: (host, { records, costs }, place) => {
      const answered = outstanding[host]!.shift();
      if (answered === undefined) throw badInput('MESSAGE', place, 'an answer to a frame', 'one that nobody waits for');
      const { owing } = answered;
      const accepted: number[] = [];
      const faults: Omit<Rejection, 'device'>[] = [];
      records.forEach((record, index) => {
        if (record instanceof MetafleetError) faults.push({ cause: 'malformed', text: record.message });
        else if (settleRecord(owing, record, place, faults)) accepted.push(index);
      });
      for (const cost of costs) {
        collected.costs.push(cost);
        if (cost.lost !== null) owing.delete(cost.device);
      }
      for (const device of owing.keys()) {
        const fault = faults.shift() ?? { cause: 'malformed', text: `${place}: expected an answer of device ${device}, found none` };
        collected.rejected.push({ device, ...fault });
      }
      collected.duplicates += faults.length;
      return accepted;
    },
    take: () => {
      const taken = collected;
      collected = nothing();
      for (const list of [taken.messages, taken.rejected, taken.costs]) list.sort((a, b) => a.device - b.device);
      return taken;
    },
  };
};
