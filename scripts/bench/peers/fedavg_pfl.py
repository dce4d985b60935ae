#!/usr/bin/env python3
"""The FedAvg task in pfl-research: its simulated backend in one process, its FederatedAveraging and PyTorchModel."""

import importlib.metadata
import time

import numpy as np
import torch
from pfl.aggregate.simulate import SimulatedBackend
from pfl.aggregate.weighting import WeightByDatapoints
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import NNTrainHyperParams
from pfl.metrics import Metrics, Weighted
from pfl.model.pytorch import PyTorchModel

from fedavg_task import Recommender, Users, first_vector, flags, parse, report
from shared import count


class Module(Recommender):
    """What pfl asks of a torch module. `metrics` runs in its evaluation only: here once, in the first warm-up round."""

    def metrics(self, item, rating):
        return {"mse": Weighted(self.loss(item, rating).item() * len(item), len(item))}


class WithPrivateVectors(FederatedAveraging):
    """pfl keeps no state of a user between rounds, so the user's vector is put into the module before its turn, and kept after it."""

    def __init__(self, seed):
        super().__init__()
        self.seed, self.vectors = seed, {}

    def simulate_one_user(self, model, user_dataset, central_context):
        user, module = user_dataset.user_id, model.pytorch_model
        kept = self.vectors.get(user)
        module.vector = (first_vector(user, self.seed) if kept is None else kept).requires_grad_()
        result = super().simulate_one_user(model, user_dataset, central_context)
        self.vectors[user] = module.vector.detach()
        return result


class Clock(TrainingProcessCallback):
    def __init__(self):
        self.ends = [time.perf_counter()]

    def after_central_iteration(self, aggregate_metrics, model, *, central_iteration):
        self.ends.append(time.perf_counter())
        return False, Metrics()


def cohort_mse(module, users, vectors):
    with torch.no_grad():
        losses = []
        for user, vector in vectors:
            module.vector = vector
            losses.append(module.loss(*users.ratings(user)).item())
    return round(float(np.mean(losses)), 4)


def main():
    parser = flags(__doc__, rounds=20, warmup=3)
    parser.add_argument("--threads", type=count, default=2, help="torch threads (default 2)")
    args = parse(parser)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)

    users = Users(args.data, args.seed)
    dataset = FederatedDataset(lambda user: Dataset(users.ratings(user), user_id=user),
                               get_user_sampler("random", range(args.clients)))
    backend = SimulatedBackend(training_data=dataset, val_data=dataset, postprocessors=[WeightByDatapoints()])
    module = Module()
    model = PyTorchModel(
        model=module,
        local_optimizer_create=lambda parameters, lr: torch.optim.SGD([*parameters, module.vector], lr),
        central_optimizer=torch.optim.SGD(module.parameters(), lr=1.0),  # the new model is the weighted average
    )
    algorithm, clock = WithPrivateVectors(args.seed), Clock()
    sample = range(min(200, args.clients))
    before = cohort_mse(module, users, [(user, first_vector(user, args.seed)) for user in sample])
    clock.ends = [time.perf_counter()]
    algorithm.run(
        algorithm_params=NNAlgorithmParams(central_num_iterations=args.warmup + args.rounds, evaluation_frequency=10**9,
                                           train_cohort_size=args.cohort, val_cohort_size=None),
        backend=backend,
        model=model,
        model_train_params=NNTrainHyperParams(local_num_epochs=1, local_learning_rate=args.lr, local_batch_size=args.batch),
        callbacks=[clock],
        send_metrics_to_platform=False,  # it would print them, each round
    )
    seconds = np.diff(clock.ends)
    after = cohort_mse(module, users, [(user, algorithm.vectors.get(user, first_vector(user, args.seed)).detach()) for user in sample])
    report(args, seconds[args.warmup:].tolist(), peer="pfl-research", version=importlib.metadata.version("pfl"), threads=args.threads,
           first_round_seconds=round(float(seconds[0]), 3), mse_before=before, mse_after=after)


if __name__ == "__main__":
    main()
