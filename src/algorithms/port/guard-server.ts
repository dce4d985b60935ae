import type { HookCalls } from '../../definitions/hook-calls.js';
import { elements } from '../../messages/wire-tensor.js';
import type { Traits, Wire } from './definition.js';
import type { GeneratedModel, NamedTensor, ServerHalf, StepResult } from './server.js';

const FUNCTIONS = ['prepare', 'generate', 'step', 'settle', 'state', 'restore', 'close'] as const;

const checkHalf = ({ expect }: HookCalls, aggregation: Traits['aggregation'], half: unknown): ServerHalf => {
  const found = (half ?? {}) as Readonly<Record<string, unknown>>;
  const takes = aggregation === 'each' ? 'accumulate' : 'apply';
  for (const name of [...FUNCTIONS, takes])
    expect(typeof found[name] === 'function', 'server', `${name}: a function`, () => typeof found[name]);
  expect(Number.isSafeInteger(found['chunk']) && (found['chunk'] as number) >= 1, 'server', 'chunk: a whole number of at least 1', () =>
    String(found['chunk']),
  );
  const { tensors } = found;
  expect(Array.isArray(tensors) && tensors.length > 0, 'server', 'tensors: a list of at least one', () => typeof tensors);
  for (const tensor of tensors as readonly Partial<NamedTensor>[]) {
    const isTensor = typeof tensor?.name === 'string' && typeof tensor.bytes === 'function' && Array.isArray(tensor.state);
    expect(isTensor && tensor.bytes!() instanceof Uint8Array, 'server', 'tensors: { name, bytes, state } each', () => String(tensor?.name));
  }
  return half as ServerHalf;
};

const checkModel = ({ expect, items }: HookCalls, { down }: Wire, model: GeneratedModel, rows: Uint32Array | null): void => {
  expect(Array.isArray(model) && model.length === down.length, 'generate', `${down.length} tensors for each model`, () =>
    String(model?.length),
  );
  down.forEach(({ name, perRow, shape }, index) => {
    const pieces = model[index]!;
    const isList = Array.isArray(pieces) && pieces.every((piece) => piece instanceof Float32Array);
    expect(isList, 'generate', `tensor ${name}: a list of Float32Array`, () => typeof pieces);
    const wanted = elements(shape) * (perRow ? (rows?.length ?? items) : 1);
    const found = pieces.reduce((sum, { length }) => sum + length, 0);
    expect(found === wanted, 'generate', `tensor ${name}: ${wanted} numbers`, () => String(found));
  });
};

/** Θ must be finite after each step: other numbers would spread to every device. */
const checkFinite = ({ expect }: HookCalls, tensors: readonly NamedTensor[]): void => {
  for (const tensor of tensors) {
    const bytes = tensor.bytes();
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    let at = 0;
    while (at < values.length && Math.abs(values[at]!) < Number.POSITIVE_INFINITY) at += 1;
    expect(at === values.length, 'step', `tensor ${tensor.name}: finite numbers`, () => `${values[at]} at ${at}`);
  }
};

const checkStep = ({ expect }: HookCalls, result: StepResult): void => {
  const norm = result?.gradientNorm;
  expect(Number.isFinite(norm), 'step', '{ gradientNorm, clipped } with a finite norm', () => `gradientNorm ${String(norm)}`);
};

/** `broke` is called where a hook that changes Θ failed. */
export const guardServer = (
  calls: HookCalls,
  wire: Wire,
  aggregation: Traits['aggregation'],
  half: unknown,
  broke: () => void = () => {},
): ServerHalf => {
  const server = checkHalf(calls, aggregation, half);
  const { accumulate, apply } = server;
  const changing = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      broke();
      throw error;
    }
  };
  return {
    tensors: server.tensors,
    kernels: server.kernels ?? 'reference',
    chunk: server.chunk,
    prepare: (cohort, round) => calls.call('prepare', () => server.prepare(cohort, round)),
    generate: (first, rows) => {
      const begun = calls.call('generate', () => server.generate(first, rows));
      calls.expect(typeof begun === 'function', 'generate', 'a function that gives the models', () => typeof begun);
      return () => {
        const models = calls.call('generate', begun);
        calls.expect(models?.length === rows.length, 'generate', `${rows.length} models`, () => String(models?.length));
        models.forEach((model, index) => checkModel(calls, wire, model, rows[index]!));
        return models;
      };
    },
    ...(accumulate === undefined
      ? {}
      : { accumulate: (updates) => changing(() => calls.call('accumulate', () => accumulate.call(server, updates))) }),
    ...(apply === undefined ? {} : { apply: (sum) => changing(() => calls.call('apply', () => apply.call(server, sum))) }),
    step: (learningRate, round) =>
      changing(() => {
        const result = calls.call('step', () => server.step(learningRate, round));
        checkStep(calls, result);
        checkFinite(calls, server.tensors);
        return result;
      }),
    settle: () => changing(() => calls.call('settle', () => server.settle())),
    state: () => calls.call('state', () => server.state()),
    restore: (saved) => calls.call('restore', () => server.restore(saved)),
    close: () => calls.call('close', () => server.close()),
  };
};
