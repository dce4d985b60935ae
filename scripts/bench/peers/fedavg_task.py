"""The FedAvg task, said once for both simulators: the users and their ratings, the model, the flags, the result.

Shared: an item embedding (n, 32) and an MLP 32 → 8 → 1 on its elementwise product with the user's vector.
Private: the user's vector (32), trained on the user's device with the same SGD, never sent and never averaged.
"""

import argparse
import statistics

import numpy as np
import torch
from torch import nn

from shared import count, emit, rate, read_triples

ITEMS, USERS, SIZE, HIDDEN = 3706, 6040, 32, 8


class Recommender(nn.Module):
    """118,865 shared parameters at 3,706 items; `vector` is no parameter of it: the simulator sets whose it is."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(ITEMS, SIZE)
        self.hidden, self.out = nn.Linear(SIZE, HIDDEN), nn.Linear(HIDDEN, 1)
        nn.init.normal_(self.items.weight, std=0.3)
        self.vector = None

    def loss(self, item, rating):
        return torch.mean((self.out(torch.relu(self.hidden(self.items(item) * self.vector))).view(-1) - rating) ** 2)


class Users:
    """Ratings by user id, as (item, rating) tensors; from a file, or drawn from the user's own seed when asked for."""

    def __init__(self, data=None, seed=1):
        self.seed, self.split = seed, None
        if data:
            users, items, ratings = read_triples(data, USERS, ITEMS)
            order = np.argsort(users, kind="stable")
            ends = np.cumsum(np.bincount(users, minlength=USERS))[:-1]
            self.split = list(zip(*(torch.from_numpy(c[order]).tensor_split(torch.from_numpy(ends)) for c in (items, ratings))))
            self.split = [user for user in self.split if len(user[0])]

    def ratings(self, user):
        if self.split:  # more clients than the file has users: they share its users' ratings
            return self.split[user % len(self.split)]
        rng = np.random.default_rng((self.seed, user))
        size = int(np.clip(rng.lognormal(4.33, 1.05), 16, 1851))  # ML-1M's train set: 16 to 1,851, mean 132, median 77
        items = np.minimum(ITEMS * rng.random(size) ** 2.2, ITEMS - 1).astype(np.int64)  # some items much more rated
        return torch.from_numpy(items), torch.from_numpy(rng.integers(1, 6, size).astype(np.float32))


def first_vector(user, seed):
    return torch.from_numpy(np.random.default_rng((seed, user, 1)).normal(1, 0.3, SIZE).astype(np.float32))


def flags(description, rounds, warmup):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--clients", type=count, default=USERS, help=f"devices (default {USERS})")
    parser.add_argument("--cohort", type=count, default=100, help="devices per round (default 100)")
    parser.add_argument("--rounds", type=count, default=rounds, help=f"timed rounds (default {rounds})")
    parser.add_argument("--warmup", type=count, default=warmup, help=f"untimed rounds before (default {warmup})")
    parser.add_argument("--batch", type=count, default=64, help="ratings per local step (default 64)")
    parser.add_argument("--lr", type=rate, default=0.05, help="learning rate of the local SGD (default 0.05)")
    parser.add_argument("--seed", type=count, default=1)
    parser.add_argument("--data", metavar="FILE", help="ML-1M triples, user<TAB>item<TAB>rating (default: synthetic, of like sizes)")
    return parser


def parse(parser):
    args = parser.parse_args()
    if args.cohort > args.clients:
        parser.error(f"--cohort {args.cohort} is more than --clients {args.clients}")
    return args


def report(args, round_seconds, **more):
    """round_seconds: of the timed rounds. Client updates per second are those of all of them."""
    mean = statistics.fmean(round_seconds)
    shared = sum(p.numel() for p in Recommender().parameters())
    emit(**more, task="fedavg-round", clients=args.clients, cohort=args.cohort, batch=args.batch,
         client_updates_per_second=round(args.cohort / mean, 2), mean_seconds_per_round=round(mean, 4),
         best_seconds_per_round=round(min(round_seconds), 4), rounds=args.rounds, warmup=args.warmup,
         shared_parameters=shared, torch=torch.__version__, data=args.data or "synthetic")
