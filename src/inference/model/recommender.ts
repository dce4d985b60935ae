import type { Interactions } from '../../algorithms/port/client.js';

/** Vectors of items, one behind the other, each of `width` numbers. */
export type ItemVectors = { readonly values: Float32Array; readonly width: number };

/** What a trained run predicts for one user. */
export type UserModel = {
  /** Predictions of items, in their order. With explicit feedback they are ratings. They are not clipped to the scale. */
  predict(items: Uint32Array): Float32Array;
  /** The vector of every item in this user's model. null: the model has none. */
  vectors(): ItemVectors | null;
  /** Tensors of the model by name, with a row for every item where they have rows. null: the model belongs to no single user. */
  tensors(): readonly UserTensor[] | null;
};

export type UserTensor = { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array };

/** A tensor of Θ in its pieces, one behind the other. */
export type ThetaTensor = { readonly name: string; readonly shape: readonly number[]; bytes(): readonly Uint8Array[] };

/** A trained run that predicts. Users and items have dense ids. */
export type Recommender = {
  /** The round after which the checkpoint was taken. */
  readonly round: number;
  /** SHA-256 of Θ, hex. */
  digest(): string;
  theta(): readonly ThetaTensor[];
  /** Models of users of the run (distinct, ascending), in this order. A model is valid until the next one is taken. */
  models(users: readonly number[]): Iterable<UserModel>;
  /** How `newUser` gets a model, as a phrase. */
  readonly newUsers: string;
  /** The model of a user who took no part in the run, from its ratings (at least one, each item once). Θ does not change. */
  newUser(ratings: Interactions): UserModel;
  close(): Promise<void>;
};
