#!/usr/bin/env python3
"""The FedAvg task in Flower: its simulation engine on Ray, its message-based FedAvg strategy, one CPU per client actor."""

import importlib.metadata
import logging
import os
import random
import sys
import tempfile
import time
from functools import lru_cache

os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # before the imports that read them
import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

from fedavg_task import Recommender, Users, first_vector, flags, parse, report
from shared import count, fail

client = ClientApp()


@lru_cache(maxsize=1)
def worker_state(data, seed):
    """Once per actor process: the users' ratings and a module to load each client's model into."""
    torch.set_num_threads(1)
    return Users(data or None, seed), Recommender()


@client.train()
def train(message, context):
    config = message.content["config"]
    users, module = worker_state(config["data"], config["seed"])
    user = int(context.node_config["partition-id"])
    module.load_state_dict(message.content["arrays"].to_torch_state_dict())
    # The private vector lives in the client's own state, which Flower keeps between rounds and never aggregates.
    if "private" in context.state:
        module.vector = torch.from_numpy(context.state["private"]["vector"].numpy().copy())
    else:
        module.vector = first_vector(user, config["seed"])
    module.vector.requires_grad_()
    item, rating = users.ratings(user)
    optimizer, losses = torch.optim.SGD([*module.parameters(), module.vector], config["lr"]), []
    for start in range(0, len(item), config["batch"]):
        optimizer.zero_grad()
        loss = module.loss(item[start:start + config["batch"]], rating[start:start + config["batch"]])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    context.state["private"] = ArrayRecord({"vector": Array(module.vector.detach().numpy())})
    metrics = MetricRecord({"mse": float(np.mean(losses)), "num-examples": len(item)})
    return Message(RecordDict({"arrays": ArrayRecord(module.state_dict()), "metrics": metrics}), reply_to=message)


class TimedFedAvg(FedAvg):
    """FedAvg as it comes, with a clock: a round runs from the choice of its cohort to its average."""

    def __init__(self, **options):
        super().__init__(**options)
        self.starts, self.ends, self.mse = [], [], []

    def configure_train(self, server_round, arrays, config, grid):
        self.starts.append(time.perf_counter())
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        failed = [reply for reply in replies if reply.has_error()]
        if failed or not replies:
            raise RuntimeError(f"{len(failed)} of {len(replies)} clients failed: {failed[0].error.reason if failed else 'no reply'}")
        arrays, metrics = super().aggregate_train(server_round, replies)
        self.ends.append(time.perf_counter())
        self.mse.append(metrics["mse"])
        return arrays, metrics


def main():
    parser = flags(__doc__, rounds=5, warmup=1)
    parser.add_argument("--cpus", type=count, default=2, help="Ray's CPUs, so client actors (default 2)")
    parser.add_argument("--timeout", type=count, default=3600, help="seconds a round may take (default 3600)")
    args = parse(parser)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    Users(args.data, args.seed)  # a wrong file is reported here, not by an actor
    # With the fraction all but 0 the cohort's size is min_train_nodes; no round starts before every client is registered.
    strategy = TimedFedAvg(fraction_train=1e-9, fraction_evaluate=0.0, min_train_nodes=args.cohort, min_available_nodes=args.clients)
    config = {"data": os.path.abspath(args.data) if args.data else "", "seed": args.seed, "lr": args.lr, "batch": args.batch}
    server = ServerApp()

    @server.main()
    def run(grid, context):
        strategy.start(grid=grid, initial_arrays=ArrayRecord(Recommender().state_dict()), timeout=args.timeout,
                       num_rounds=args.warmup + args.rounds, train_config=ConfigRecord(config))

    logging.getLogger("flwr").setLevel(logging.ERROR)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="flower-", dir="/tmp", ignore_cleanup_errors=True) as ray_files:
        resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0},
                     "init_args": {"num_cpus": args.cpus, "num_gpus": 0, "_temp_dir": ray_files}}
        try:
            run_simulation(server_app=server, client_app=client, num_supernodes=args.clients, backend_config=resources)
        except RuntimeError as error:
            fail(f"Flower's simulation stopped: {error}")
    if len(strategy.ends) < args.warmup + args.rounds:
        fail(f"Flower finished {len(strategy.ends)} of {args.warmup + args.rounds} rounds")
    seconds = [end - start for start, end in zip(strategy.starts, strategy.ends)]
    report(args, seconds[args.warmup:], peer="flower", version=importlib.metadata.version("flwr"), ray=importlib.metadata.version("ray"),
           cpus=args.cpus, first_round_seconds=round(seconds[0], 2), start_to_first_round_seconds=round(strategy.ends[0] - begin, 2),
           mse_first_round=round(strategy.mse[0], 4), mse_last_round=round(strategy.mse[-1], 4))


if __name__ == "__main__":
    # Run as an imported module: what is defined in __main__ would be pickled by value for every message.
    import fedavg_flower

    sys.exit(fedavg_flower.main())
