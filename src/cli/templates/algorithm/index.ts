import {
  addMeans,
  defineAlgorithm,
  distinctRows,
  type LocalModel,
  type Random,
  rowOf,
  serveSharedModel,
  type Wire,
  z,
} from 'metafleet/algorithm';

// Federated matrix factorization: rating ≈ middle of the scale + user bias + item bias + user vector · item vector.
// Vectors and biases of items are shared. Those of a user stay on the user's device.

/** Each option becomes a flag (--my-mf.size 8), a line of --print-config, and a key that `metafleet tune` can search. */
const options = z.strictObject({
  size: z.int().min(1).default(16).describe('numbers in the vector of an item, and in that of a user'),
  passes: z.int().min(1).default(2).describe('passes of a device over its ratings in a round'),
  rate: z.number().positive().default(0.05).describe('learning rate of a device'),
  decay: z.number().min(0).default(0.05).describe('L2 weight of all vectors and biases'),
});

/** What crosses the network, both ways: for each item a vector and a bias. `perRow`: one row for each item of the message. */
const wireOf = (size: number): Wire => {
  const tensors = [
    { name: 'vectors', perRow: true, shape: [size] },
    { name: 'biases', perRow: true, shape: [1] },
  ];
  return { down: tensors, up: tensors };
};

const smallNumbers = (random: Random, count: number): Float32Array => Float32Array.from({ length: count }, () => 0.1 * random.normal());

/** Tensors of items, and what a device keeps of its user: the vector, then the bias. */
type Parts = { readonly vectors: Float32Array; readonly biases: Float32Array; readonly user: Float32Array };

export const predict = ({ vectors, biases, user }: Parts, row: number, middle: number): number => {
  const size = user.length - 1;
  let sum = middle + user[size]! + biases[row]!;
  for (let e = 0; e < size; e++) sum += user[e]! * vectors[row * size + e]!;
  return sum;
};

/** One step down the gradient of ½ error² + ½ decay · (squares of what the prediction uses). Returns the error before the step. */
export const learn = (parts: Parts, row: number, rating: number, middle: number, { rate, decay }: { rate: number; decay: number }) => {
  const { vectors, biases, user } = parts;
  const size = user.length - 1;
  const error = predict(parts, row, middle) - rating;
  biases[row]! -= rate * (error + decay * biases[row]!);
  user[size]! -= rate * (error + decay * user[size]!);
  for (let e = 0; e < size; e++) {
    const [item, own] = [vectors[row * size + e]!, user[e]!];
    vectors[row * size + e]! -= rate * (error * own + decay * item);
    user[e]! -= rate * (error * item + decay * own);
  }
  return error;
};

/** A copy of the model's rows of these items, for a device to change. */
const copyRows = ({ rows: present, tensors }: LocalModel, rows: Uint32Array, size: number): [Float32Array, Float32Array] => {
  const [vectors, biases] = [new Float32Array(rows.length * size), new Float32Array(rows.length)];
  rows.forEach((item, row) => {
    const from = rowOf(present, item);
    vectors.set(tensors[0]!.subarray(from * size, (from + 1) * size), row * size);
    biases[row] = tensors[1]![from]!;
  });
  return [vectors, biases];
};

const difference = (after: Float32Array, before: Float32Array): Float32Array => after.map((value, at) => value - before[at]!);

export const algorithm = defineAlgorithm({
  name: 'my-mf',
  version: '1',
  options,
  // `sum`: the server half needs the weighted sum of a cohort's client updates, and no single one.
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
  wire: (_world, { size }) => wireOf(size),

  // The client half: made once in each thread that hosts devices, so it keeps nothing between calls.
  client: ({ lowest, highest }, { size, passes, ...step }) => {
    const middle = (lowest + highest) / 2;
    return {
      /** What a device keeps between rounds. It is never part of a message. */
      state: { size: size + 1, initial: smallNumbers },
      /** Which items the device needs, and what it does with them. */
      plan: (_own, task) => {
        const items = task.purpose === 'train' ? task.batch.items : task.candidates;
        return { rows: items, work: { items, ratings: task.purpose === 'train' ? task.batch.values : new Float32Array(0) } };
      },
      /** Learns from the ratings, and answers with the difference that this made to the rows of its items. */
      update: (model, _own, { items, ratings }, _random, state) => {
        const rows = distinctRows(items);
        const before = copyRows(model, rows, size);
        const [vectors, biases] = copyRows(model, rows, size);
        const parts = { vectors, biases, user: Float32Array.from(state) };
        let loss = 0;
        for (let pass = 0; pass < passes; pass++) {
          items.forEach((item, at) => {
            const error = learn(parts, rowOf(rows, item), ratings[at]!, middle, step);
            if (pass === 0) loss += error * error;
          });
        }
        const tensors = [difference(vectors, before[0]), difference(biases, before[1])];
        return { count: items.length, loss, rows, tensors, state: parts.user };
      },
      /** Predicted ratings of the candidate items. */
      score: ({ rows, tensors: [vectors, biases] }, _own, { items }, state) =>
        Float32Array.from(items, (item) => predict({ vectors: vectors!, biases: biases!, user: state }, rowOf(rows, item), middle)),
      /** Multiplications of an update: what it costs a simulated device. */
      operations: ({ items }) => 6 * passes * items.length * (size + 1),
    };
  },

  // The server half: made once, in the coordinator's thread. It owns the shared tensors.
  server: (world, { size }, runtime) => {
    const wire = wireOf(size);
    const start = (random: Random, values: Float32Array): void => void values.set(smallNumbers(random, values.length));
    const tensors = runtime.createTensors([
      { name: 'vectors', shape: [world.items, size], initial: start },
      { name: 'biases', shape: [world.items, 1] },
    ]);
    // Each item moves by the weighted mean of the differences of the devices that have a rating of it.
    return serveSharedModel({ wire, world, tensors, step: (sum) => addMeans(wire, tensors, sum) });
  },
});
