#!/usr/bin/env python3
"""Central recommenders of cornac, Surprise and numpy on a split of three files: CPU seconds an epoch, and the error on the test part."""

import argparse
import json
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before the imports that read them

import numpy as np


def read(folder, part):
    """User, item and rating of a part: train.tsv, valid.tsv, test.tsv."""
    rows = np.loadtxt(os.path.join(folder, f"{part}.tsv"), usecols=(0, 1, 2))
    return rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2]


def measured(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def cornac_mf(_folder, train, factors, epochs):
    from cornac.data import Dataset
    from cornac.models import MF

    data = Dataset.from_uir([(u, i, r) for u, i, r in zip(*train)], seed=1)
    model = MF(k=factors, max_iter=epochs, learning_rate=0.01, lambda_reg=0.06, use_bias=True, num_threads=1, seed=1)
    seconds, _ = measured(lambda: model.fit(data))
    users, items = data.uid_map, data.iid_map
    return seconds, lambda u, i: model.score(users[u], items[i]) if u in users and i in items else model.global_mean


def surprise(algorithm):
    def run(folder, train, factors, epochs):
        import surprise as library

        reader = library.Reader(line_format="user item rating", sep="\t", rating_scale=(train[2].min(), train[2].max()))
        data = library.Dataset.load_from_file(os.path.join(folder, "train.tsv"), reader).build_full_trainset()
        model = getattr(library, algorithm)(n_factors=factors, n_epochs=epochs, random_state=1)
        seconds, _ = measured(lambda: model.fit(data))
        return seconds, lambda u, i: model.predict(str(u), str(i)).est

    return run


def numpy_ease(_folder, train, _factors, _epochs, regularization=1000.0):
    from scipy.sparse import csr_matrix

    def fit():
        x = csr_matrix((np.ones(len(train[0]), np.float32), (train[0], train[1])))
        gram = (x.T @ x).toarray()
        gram[np.diag_indices(len(gram))] += regularization
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        weights[np.diag_indices(len(weights))] = 0
        return weights

    seconds, _ = measured(fit)
    return seconds, None


SYSTEMS = {
    "cornac-mf": cornac_mf,
    "surprise-svd": surprise("SVD"),
    "surprise-svdpp": surprise("SVDpp"),
    "surprise-nmf": surprise("NMF"),
    "numpy-ease": numpy_ease,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--data", required=True, help="folder of the split")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5)
    flags = parser.parse_args()
    seconds, predict = SYSTEMS[flags.system](flags.data, read(flags.data, "train"), flags.factors, flags.epochs)
    mse = None
    if predict is not None:
        users, items, ratings = read(flags.data, "test")
        few = slice(0, 20000)
        errors = [min(5, max(1, predict(u, i))) - r for u, i, r in zip(users[few], items[few], ratings[few])]
        mse = float(np.mean(np.square(errors)))
    print(json.dumps({"system": flags.system, "cpuSecondsPerEpoch": seconds / flags.epochs, "mse": mse}))


if __name__ == "__main__":
    main()
