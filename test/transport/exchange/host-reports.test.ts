import { expect, it } from 'vitest';
import { bytes, millis } from '../../../src/base/units.js';
import type { FrameUp } from '../../../src/transport/exchange/envelope.js';
import { createHostReports } from '../../../src/transport/exchange/host-reports.js';

type Counted = { readonly delivered: number; readonly evicted: number; readonly times?: readonly number[]; readonly lag?: number };

const frameUp = ({ delivered, evicted, times = [], lag = 0 }: Counted): FrameUp => ({
  ...{ exchange: 1, frame: new ArrayBuffer(0), length: 0, sent: millis(0), waited: millis(2), costs: [] },
  deviceMillis: times.map(millis),
  store: { models: delivered - evicted, bytes: bytes(10 * (delivered - evicted)), delivered, evicted },
  thread: { lagMillis: millis(lag), gcMillis: millis(1), heapBytes: bytes(100) },
});

it('counts what hosts delivered and evicted since the last report, and adds up what they hold', () => {
  const reports = createHostReports(2);
  reports.count(0, frameUp({ delivered: 5, evicted: 1, times: [3, 4] }), millis(1));
  reports.count(1, frameUp({ delivered: 2, evicted: 0, times: [5] }), millis(7));
  expect(reports.take()).toEqual({
    ...{ activated: 7, evicted: 1, residentModels: 6, residentBytes: 60, deviceMillis: [3, 4, 5] },
    queueMillis: { down: [2, 2], up: [1, 7] },
    host: { lagMillis: 0, gcMillis: 2, heapBytes: 200 },
  });
  reports.count(0, frameUp({ delivered: 8, evicted: 3 }), millis(1));
  expect(reports.take()).toMatchObject({ activated: 3, evicted: 2, residentModels: 7, deviceMillis: [], queueMillis: { up: [1] } });
});

it('a host that is attached again starts from nothing', () => {
  const reports = createHostReports(1);
  reports.count(0, frameUp({ delivered: 5, evicted: 1 }), millis(0));
  reports.take();
  reports.attached(0);
  expect(reports.take()).toMatchObject({ activated: 0, evicted: 0, residentModels: 0, residentBytes: 0 });
  reports.count(0, frameUp({ delivered: 2, evicted: 1 }), millis(0));
  expect(reports.take()).toMatchObject({ activated: 2, evicted: 1, residentModels: 1 });
});

it("reports the longest delay of a host's loop since the last report, the sum of collections, and the heap as it was last", () => {
  const reports = createHostReports(1);
  for (const lag of [3, 9, 4]) reports.count(0, frameUp({ delivered: 0, evicted: 0, lag }), millis(0));
  expect(reports.take().host).toEqual({ lagMillis: 9, gcMillis: 3, heapBytes: 100 });
  expect(reports.take().host).toEqual({ lagMillis: 0, gcMillis: 0, heapBytes: 100 });
});
