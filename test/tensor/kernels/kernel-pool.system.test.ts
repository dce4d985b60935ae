import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { gemmTasks, placeForm } from '../../../src/tensor/kernels/gemm-tasks.js';
import { createKernelPool, type KernelPoolOptions } from '../../../src/tensor/kernels/kernel-pool.js';
import type { KernelPool, Kernels, KernelTask } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { type Arena, createArena } from '../../../src/tensor/memory/arena.js';
import { PATIENCE_MILLIS } from '../../support/patience.js';
import { expectSameNumbers, hyper, real } from '../../support/tensors/kernel-workbench.js';

const built = (path: string): string => createRequire(import.meta.url).resolve(`#built/${path}`);
const open: KernelPool[] = [];
type Options = Omit<KernelPoolOptions<Kernels>, 'reference'>;
const start = async (options: Options): Promise<KernelPool> => {
  const pool = await createKernelPool({ reference: referenceKernels, ...options });
  open.push(pool);
  return pool;
};
afterEach(async () => void (await Promise.all(open.splice(0).map((pool) => pool.close()))));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kernel-pool-'));
});
afterAll(() => rm(folder, { recursive: true }));
const script = async (name: string, source: string): Promise<string> => {
  await writeFile(join(folder, name), source);
  return join(folder, name);
};

const filled = (arena: Arena, seed: number, count: number): number => {
  const pointer = arena.allocate(count);
  arena.f32(pointer, count).set(real(random(seed), count));
  return pointer;
};

describe.each(['simd', 'reference'] as const)('a pool of %s kernels', (implementation) => {
  it('gives the same bits on 1, 2 and 4 threads', async () => {
    const [m, n, k] = [5, 640, 64];
    const outcome = async (threads: number) => {
      const arenas = [createArena(2 ** 20), createArena(2 ** 20)];
      const pool = await start({ threads, memories: arenas.map(({ memory }) => memory), implementation });
      expect(pool).toMatchObject({ threads, implementation });
      const shards = arenas.map((arena, memory) => {
        const [a, w, bias] = [filled(arena, 1, m * k), filled(arena, 2 + memory, k * n), filled(arena, 4, n)];
        const form = placeForm(arena, [k, 1], n, n);
        const step = arena.allocate(16);
        arena.f64(step, 8).set(hyper({ scale: 1, rate: 0.1, beta1: 0.9, decay: 0.01, decoupled: 0 }));
        return { arena, memory, a, w, bias, form, step, out: arena.allocate(m * n), moment: arena.allocate(k * n) };
      });
      pool.run(shards.flatMap(({ memory, a, w, bias, form, out }) => gemmTasks(memory, m, n, k, a, w, out, bias, form)));
      const values = pool.run(
        shards.flatMap(({ memory, w, moment, step }) =>
          Array.from({ length: k }, (_, row): KernelTask => {
            const at = 4 * row * n;
            return { kernel: 'adamTensor', memory, args: [n, w + at, moment + at, 0, step] };
          }),
        ),
      );
      return [values, ...shards.flatMap(({ arena, out, w }) => [arena.f32(out, m * n), arena.f32(w, k * n)])];
    };
    const alone = await outcome(1);
    expect(alone[0]!.every((value) => value > 0)).toBe(true);
    for (const threads of [2, 4]) {
      const found = await outcome(threads);
      alone.forEach((expected, i) => expectSameNumbers(found[i]!, expected, `${threads} threads, array ${i}`));
    }
  });

  it('returns values in the order of the tasks, also when they outnumber the task buffer', async () => {
    const arena = createArena(2 ** 20),
      pool = await start({ threads: 3, memories: [arena.memory], implementation });
    const count = 2500,
      x = arena.allocate(count);
    arena.f32(x, count).set(Float32Array.from({ length: count }, (_, i) => i));
    const tasks = Array.from({ length: count }, (_, i): KernelTask => ({ kernel: 'sumSquares', memory: 0, args: [1, x + 4 * i] }));
    const squares = Float64Array.from(tasks, (_, i) => i * i);
    for (let repeat = 0; repeat < 5; repeat++) expectSameNumbers(pool.run(tasks), squares, `run ${repeat}`);
    expect(pool.run([])).toEqual(new Float64Array(0));
    expect(
      pool.run([
        { kernel: 'zero', memory: 0, args: [1, x] },
        { kernel: 'dot', memory: 0, args: [2, x, x + 4] },
      ]),
    ).toEqual(Float64Array.of(0, 2));
  });

  it('executes every task exactly once, on any number of threads', async () => {
    const arena = createArena(2 ** 16);
    const pool = await start({ threads: 4, memories: [arena.memory], implementation });
    const [count, runs] = [64, 1000];
    const one = arena.allocate(1);
    const x = arena.allocate(count);
    arena.f32(one, 1)[0] = 1;
    const tasks = Array.from({ length: count }, (_, i): KernelTask => ({ kernel: 'axpy', memory: 0, args: [1, 1, one, x + 4 * i] }));
    for (let run = 0; run < runs; run++) pool.run(tasks);
    expectSameNumbers(arena.f32(x, count), new Float32Array(count).fill(runs), 'executions');
  });

  it.each([1, 2, 4])('on %i threads executes deferred tasks once, between runs, and all of them before settle returns', async (threads) => {
    const arena = createArena(2 ** 20);
    const pool = await start({ threads, memories: [arena.memory], implementation });
    const [count, repeats] = [200, 200];
    const one = arena.allocate(1);
    const [deferred, urgent] = [arena.allocate(count), arena.allocate(count)];
    arena.f32(one, 1)[0] = 1;
    const tasksOn = (x: number) =>
      Array.from({ length: count }, (_, i): KernelTask => ({ kernel: 'axpy', memory: 0, args: [1, 1, one, x + 4 * i] }));
    const [later, now] = [tasksOn(deferred), tasksOn(urgent)];
    for (let repeat = 1; repeat <= repeats; repeat++) {
      pool.defer(later);
      pool.run(now);
      expectSameNumbers(arena.f32(urgent, count), new Float32Array(count).fill(repeat), `runs, ${repeat}`);
      if (repeat % 2 === 0) continue;
      pool.settle();
      expectSameNumbers(arena.f32(deferred, count), new Float32Array(count).fill(repeat), `deferred, ${repeat}`);
    }
  });

  it.each([1, 2, 4])(
    'on %i threads executes begun tasks once, any number of them, and all of them before finish returns',
    async (threads) => {
      const arena = createArena(2 ** 20);
      const pool = await start({ threads, memories: [arena.memory], implementation });
      const [count, repeats] = [200, 100];
      const one = arena.allocate(1);
      arena.f32(one, 1)[0] = 1;
      const x = [1, 2, 3].map(() => arena.allocate(7 * count));
      const tasksOn = (at: number, size: number) =>
        Array.from({ length: size }, (_, i): KernelTask => ({ kernel: 'axpy', memory: 0, args: [1, 1, one, at + 4 * i] }));
      for (let repeat = 1; repeat <= repeats; repeat++) {
        // The last tasks outnumber the task buffer, alone and together with those before.
        const sizes = [count, 7 * count, repeat % 2 === 0 ? 4 * count : 6 * count];
        sizes.forEach((size, index) => pool.begin(tasksOn(x[index]!, size)));
        pool.finish();
        sizes.forEach((size, index) => {
          const least = index === 2 ? Math.min(size, 4 * count) : size;
          expectSameNumbers(arena.f32(x[index]!, least), new Float32Array(least).fill(repeat), `${repeat}, ${index}`);
        });
      }
      pool.begin(tasksOn(x[0]!, count));
      expect(pool.run(tasksOn(x[1]!, count))).toHaveLength(count);
      expectSameNumbers(arena.f32(x[0]!, count), new Float32Array(count).fill(repeats + 1), 'a run waits too');
    },
  );

  it.each([1, 2, 4])('on %i threads returns the values of deferred tasks', async (threads) => {
    const arena = createArena(2 ** 20);
    const pool = await start({ threads, memories: [arena.memory], implementation });
    const x = filled(arena, 6, 64);
    const values = pool.defer([
      { kernel: 'sumSquares', memory: 0, args: [64, x] },
      { kernel: 'dot', memory: 0, args: [32, x, x + 128] },
    ]);
    expect(values()).toEqual(Float64Array.of(pool.on(0).sumSquares(64, x), pool.on(0).dot(32, x, x + 128)));
  });

  it.each([1, 2, 4])('on %i threads throws the error of a begun kernel that trapped, and goes on', async (threads) => {
    const arena = createArena(2 ** 20);
    const pool = await start({ threads, memories: [arena.memory], implementation });
    const x = filled(arena, 5, 64);
    expect(() => {
      pool.begin([{ kernel: 'sumSquares', memory: 0, args: [64, 2 ** 31] }]);
      pool.finish();
    }).toThrow(/kernel sumSquares on memory 0/);
    pool.begin([{ kernel: 'axpy', memory: 0, args: [1, 1, x, x] }]);
    pool.finish();
  });

  it.each([2, 4])('on %i threads settle throws the error of a deferred kernel that trapped, and goes on', async (threads) => {
    const arena = createArena(2 ** 20);
    const pool = await start({ threads, memories: [arena.memory], implementation });
    const x = filled(arena, 5, 64);
    pool.defer([{ kernel: 'sumSquares', memory: 0, args: [64, 2 ** 31] }]);
    expect(
      pool.run([
        { kernel: 'zero', memory: 0, args: [32, x] },
        { kernel: 'zero', memory: 0, args: [32, x + 128] },
      ]),
    ).toHaveLength(2);
    expect(() => pool.settle()).toThrow(/kernel sumSquares on memory 0/);
    pool.defer([{ kernel: 'axpy', memory: 0, args: [1, 1, x, x] }]);
    pool.settle();
  });

  it.each([1, 2, 4])('on %i threads throws the error of a kernel that trapped, and goes on with the next run', async (threads) => {
    const arena = createArena(2 ** 20),
      pool = await start({ threads, memories: [arena.memory], implementation });
    const x = filled(arena, 5, 64);
    const good: KernelTask = { kernel: 'sumSquares', memory: 0, args: [64, x] };
    const outside: KernelTask = { kernel: 'relu', memory: 0, args: [64, 2 ** 30] };
    for (let repeat = 0; repeat < 20; repeat++) {
      expect(() => pool.run([...Array.from({ length: 10 }, () => good), outside, good])).toThrow(
        /kernel relu on memory 0: .*arguments 64, 1073741824/,
      );
      expect(() => pool.run([good, { ...good, memory: 3 }])).toThrow(/1 memories, found memory 3/);
      expect(pool.run([good, good])[1]).toBe(pool.on(0).sumSquares(64, x));
    }
  });

  it('sees memory that grew after it started', async () => {
    const arena = createArena(2 ** 27),
      pool = await start({ threads: 4, memories: [arena.memory], implementation });
    for (let round = 1; round <= 6; round++) {
      const count = 4 * 2 ** 20,
        x = arena.allocate(count);
      arena.f32(x, count).fill(round);
      const tasks = Array.from(
        { length: 32 },
        (_, i): KernelTask => ({ kernel: 'sumSquares', memory: 0, args: [4096, x + 4 * (count - 4096 * (i + 1))] }),
      );
      expect(pool.run(tasks)).toEqual(new Float64Array(32).fill(4096 * round * round));
    }
  });
});

describe('a pool', () => {
  it('names the memory that does not exist', async () => {
    const pool = await start({ threads: 1, memories: [] });
    expect(() => pool.on(0)).toThrow('expected one of 0 memories, found memory 0');
  });

  it('refuses less than one thread', async () => {
    await expect(start({ threads: 0, memories: [] })).rejects.toThrow('at least 1 thread, found 0');
  });

  it('rejects when a thread cannot start', async () => {
    const options = { threads: 3, memories: [createArena(2 ** 16).memory] };
    await expect(start({ ...options, workerFile: join(folder, 'absent.mjs') })).rejects.toMatchObject({ code: 'CAPABILITY' });
    const silent = await script('silent.mjs', '');
    await expect(start({ ...options, workerFile: silent })).rejects.toThrow('before it was ready');
  });

  it('throws instead of waiting for a thread that died with a task, then and ever after', async () => {
    // The reference of relu calls Math.max. So this thread dies of its first task.
    const workerFile = await script(
      'mortal.mjs',
      `Math.max = () => process.exit(1);\nawait import(${JSON.stringify(pathToFileURL(built('workers/kernel.js')).href)});`,
    );
    const arena = createArena(2 ** 24),
      pool = await start({ threads: 2, memories: [arena.memory], implementation: 'reference', workerFile });
    const count = 2 ** 16,
      x = arena.allocate(count);
    const tasks = Array.from({ length: 500 }, (): KernelTask => ({ kernel: 'relu', memory: 0, args: [count, x] }));
    expect(() => pool.run(tasks)).toThrow(
      expect.objectContaining({ code: 'CAPABILITY', message: expect.stringContaining('lost a thread') }),
    );
    expect(() => pool.run(tasks)).toThrow('lost a thread');
  });

  it('runs nothing once closed', async () => {
    const arena = createArena(2 ** 16),
      pool = await start({ threads: 2, memories: [arena.memory] });
    await pool.close();
    expect(() => pool.run([{ kernel: 'zero', memory: 0, args: [1, 64] }])).toThrow('closed');
  });

  it('keeps no process alive, closed or not', async () => {
    const file = await script(
      'forgetful.mjs',
      `import { createKernelPool } from ${JSON.stringify(pathToFileURL(built('src/tensor/kernels/kernel-pool.js')).href)};
       import { createArena } from ${JSON.stringify(pathToFileURL(built('src/tensor/memory/arena.js')).href)};
       import { referenceKernels } from ${JSON.stringify(pathToFileURL(built('src/tensor/kernels/reference.js')).href)};
       const arena = createArena(2 ** 16), pool = await createKernelPool({ reference: referenceKernels, threads: 3, memories: [arena.memory] });
       console.log(pool.run([{ kernel: 'zero', memory: 0, args: [1, 64] }, { kernel: 'zero', memory: 0, args: [1, 128] }]).length);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: PATIENCE_MILLIS });
    expect(stdout).toBe('2\n');
  });
});
