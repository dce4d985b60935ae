import { describe, expect, it } from 'vitest';
import { floorOf, floorRates } from '../../scripts/bench/floors/floor.js';
import { createPeak, peakModule } from '../../scripts/bench/floors/peak.js';
import { createGenerator, flopOf, runOn } from '../../scripts/bench/kernels/generator.js';
import { alternate, medianOf, medianRatio } from '../../scripts/bench/measure.js';
import { isMet, renderReport, renderTable, shortfall, show } from '../../scripts/bench/report.js';
import { EXPECTED, judge, TOLERANCE } from '../../scripts/bench/rounds/expected.js';
import { configOf } from '../../scripts/bench/rounds/training.js';
import { serverReference } from '../../src/algorithms/metamf/kernels/server-kernels.js';

describe('medians', () => {
  it('of ratios pair neighbours, so that a slow minute cancels out', () => {
    expect(medianRatio([2, 20, 200], [1, 10, 100])).toBe(2);
  });
});

describe('contenders', () => {
  it('take turns, every other repetition backwards, after their warm-ups', async () => {
    const turns: string[] = [];
    const timings = await alternate({ a: () => turns.push('a'), b: () => void turns.push('b') }, { repetitions: 2, warmups: 1 });
    expect(turns.join('')).toBe('baabba');
    expect([timings.a.millis.length, timings.b.cpu.length]).toEqual([2, 2]);
  });

  it('may measure themselves', async () => {
    const timings = await alternate({ own: async () => 42 }, { repetitions: 3 });
    expect(timings.own.millis).toEqual([42, 42, 42]);
  });

  it('are called as often as a median of calls says', () => {
    let calls = 0;
    const value = medianOf(3, () => calls++)();
    expect(calls).toBe(3);
    expect(value).toBeGreaterThanOrEqual(0);
  });
});

describe('reports', () => {
  const missed = { claim: 'speed', measured: 4, bound: 'at least', wanted: 8 } as const;
  const met = { claim: 'size', measured: 4, bound: 'at most', wanted: 8 } as const;

  it('say by how many times a promise is missed', () => {
    expect([isMet(missed), isMet(met), shortfall(missed), shortfall(met)]).toEqual([false, true, 2, 0.5]);
    const text = renderReport({ tables: [], targets: [missed, met] });
    expect(text).toContain('missed, by 2 ×');
    expect(text).toContain('met');
  });

  it('are Markdown with aligned columns', () => {
    const text = renderTable({
      title: 'T',
      columns: ['what', 'ms'],
      rows: [
        ['a', 1],
        ['long name', 12.345],
      ],
    });
    const [title, , ...lines] = text.split('\n');
    expect(title).toBe('### T');
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/^\|-+\|-+:\|$/);
  });

  it('show three digits, whole numbers as they are, and what is no number as -', () => {
    expect([1.23456, 1234567, 1234.5, 0.000123, Number.NaN, 'x'].map(show)).toEqual(['1.23', '1234567', '1230', '0.000123', '-', 'x']);
  });
});

describe('the floor of a round', () => {
  it('is generation at the kernel’s rate and 24 bytes a parameter at the memory’s', () => {
    const size = { cohort: 64, items: 1000, hidden: 512, rank: 8, parameters: 4_000_000 };
    const { generate, step, total } = floorOf({ gflops: 10, gigabytes: 24 }, size);
    expect(generate).toBeCloseTo((2 * 64 * 512 * 8000) / 10e6, 6);
    expect(step).toBeCloseTo(4, 6);
    expect(total).toBe(generate + step);
  });

  it('takes the best bandwidth of any method', () => {
    const times = (value: number) => ({ millis: [value], cpu: [value] });
    const slow = { 'floor: generation': times(100), 'floor: update in place': times(1e6), 'copy set': times(1e6), 'copy loop': times(1e6) };
    const rates = floorRates({ ...slow, 'copy buffer': times(10) }, 2);
    expect(rates.gigabytes).toBeCloseTo((2 * 4 * 2 ** 25) / 10 / 1e6, 6);
  });

  it('does not rise when threads had to share a processor', () => {
    const copies = { 'floor: update in place': 1, 'copy set': 1, 'copy loop': 1, 'copy buffer': 1 };
    const rest = Object.fromEntries(Object.entries(copies).map(([name, value]) => [name, { millis: [value], cpu: [value] }]));
    const rate = (millis: number, cpu: number) => floorRates({ ...rest, 'floor: generation': { millis: [millis], cpu: [cpu] } }, 2).gflops;
    // A sample is the median of three calls, its CPU time that of all three.
    expect(rate(30, 90)).toBeCloseTo(rate(15, 90), 6);
    expect(rate(10, 90)).toBeGreaterThan(rate(15, 90));
  });
});

describe('the work that is measured', () => {
  const shape = { users: 4, items: 6, hidden: 8, rank: 4 };

  it('is the same matrix product in both layouts’ operation counts', () => {
    expect(flopOf(shape)).toBe(2 * 4 * 8 * 6 * 4);
  });

  it('is finite: neither a NaN nor a denormal slows a kernel down', () => {
    const generator = createGenerator(shape);
    const kernels = serverReference(generator.memory);
    for (const tasks of [generator.generate, generator.gemm, generator.rows, generator.backward, generator.adam, generator.stream]) {
      runOn(kernels, tasks);
    }
    const values = new Float32Array(generator.memory.buffer);
    expect(values.every((value) => Number.isFinite(value))).toBe(true);
  });
});

describe('the peak', () => {
  it('is a valid module, and computes', () => {
    expect(WebAssembly.validate(peakModule())).toBe(true);
    expect(createPeak()()).toBeGreaterThan(0);
  });
});

describe('the guard', () => {
  it('lets pass what is within its tolerance, and better; not what is beyond', () => {
    const expected = EXPECTED.gemm;
    expect(judge('gemm', expected * TOLERANCE * 0.99).passed).toBe(true);
    expect(judge('gemm', expected / 10).passed).toBe(true);
    expect(judge('gemm', expected * TOLERANCE * 1.01)).toMatchObject({ passed: false, expected });
  });
});

describe('a benchmark’s configuration', () => {
  it('leaves out keys that metafleet does not have', () => {
    expect(configOf({ cohort: '7', 'no.such.key': '1' }).cohort).toBe(7);
  });
});
