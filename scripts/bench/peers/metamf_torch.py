#!/usr/bin/env python3
"""One training step of MetaMF (SIGIR 2020) in PyTorch, computed the way its authors' program computes it.

For each of the batch's (user, item, rating) triples the whole private model is generated, all n item embeddings
included; the item is picked by multiplying with a one-hot row; back-propagation is dense; the optimizer is
torch.optim.Adam as it comes, with L2 in the gradient, after the gradient was clipped to global norm 5.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from torch import nn

from shared import count, emit, read_triples


class MetaMF(nn.Module):
    """m users, n items; d item embedding (and user embedding), k collaborative, o hidden, s low rank, f RP hidden."""

    def __init__(self, m, n, d, k, o, s, f):
        super().__init__()
        self.shape = n, d, s, f
        self.users = nn.Embedding(m, d)  # U ~ N(0, 1)
        self.memory = nn.Parameter(torch.empty(d, k))  # M
        self.hidden_item, self.hidden_1, self.hidden_2 = (nn.Linear(k, o) for _ in range(3))
        self.low, self.rise = nn.Linear(o, n * s), nn.Linear(o, s * d)
        self.w1, self.b1 = nn.Linear(o, d * f), nn.Linear(o, f)
        self.w2, self.b2 = nn.Linear(o, f), nn.Linear(o, 1)
        nn.init.xavier_normal_(self.memory)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, user, item):
        n, d, s, f = self.shape
        c = self.users(user) @ self.memory  # (B, k)
        h = torch.relu(self.hidden_item(c))
        items = self.low(h).view(-1, n, s) @ self.rise(h).view(-1, s, d)  # (B, n, d): every item, for every triple
        h = torch.relu(self.hidden_1(c))
        w1, b1 = self.w1(h).view(-1, d, f), self.b1(h).view(-1, 1, f)
        h = torch.relu(self.hidden_2(c))
        w2, b2 = self.w2(h).view(-1, f, 1), self.b2(h).view(-1, 1, 1)
        one_hot = torch.zeros(len(item), n, dtype=c.dtype).scatter_(1, item.view(-1, 1), 1).unsqueeze(1)
        e = one_hot @ items  # (B, 1, d)
        return (torch.relu(e @ w1 + b1) @ w2 + b2).view(-1)


def make_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-3)


def train_step(model, optimizer, user, item, rating):
    optimizer.zero_grad()
    loss = torch.mean((model(user, item) - rating) ** 2)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5)
    optimizer.step()
    return loss


def milliseconds(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def measure(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    if args.data:
        users, items, ratings = read_triples(args.data, args.m, args.n)
    else:
        size = 100_000
        users, items = rng.integers(0, args.m, size), rng.integers(0, args.n, size)
        ratings = rng.integers(1, 6, size).astype(np.float32)
    model = MetaMF(args.m, args.n, args.d, args.k, args.o, args.s, args.f)
    optimizer = make_optimizer(model)

    def step():
        rows = rng.integers(0, len(users), args.batch)
        train_step(model, optimizer, *(torch.from_numpy(column[rows]) for column in (users, items, ratings)))

    for _ in range(args.warmup):
        step()
    steps = [milliseconds(step) for _ in range(args.steps)]
    adam = [milliseconds(optimizer.step) for _ in range(args.steps)]  # on the gradients of the last step
    mean = statistics.fmean(steps)
    emit(peer="pytorch-metamf", version=torch.__version__, task="metamf-step", threads=args.threads, batch=args.batch,
         m=args.m, n=args.n, mean_ms_per_step=round(mean, 2), best_ms_per_step=round(min(steps), 2), ratings_per_second=round(args.batch / mean * 1e3, 1),
         adam_ms=round(statistics.median(adam), 2), best_adam_ms=round(min(adam), 2), parameters=sum(p.numel() for p in model.parameters()),
         steps=args.steps, data=args.data or "synthetic")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"m": (6040, "users"), "n": (3706, "items"), "d": (32, "item and user embedding"), "k": (128, "collaborative vector"),
             "o": (512, "hidden units"), "s": (8, "low-rank item embedding"), "f": (8, "hidden units of the RP model")}
    for name, (default, what) in sizes.items():
        parser.add_argument(f"--{name}", type=count, default=default, help=f"{what} (default {default})")
    parser.add_argument("--batch", type=count, default=64, help="triples per step (default 64)")
    parser.add_argument("--steps", type=count, default=20, help="timed steps (default 20)")
    parser.add_argument("--warmup", type=count, default=3, help="untimed steps before (default 3)")
    parser.add_argument("--threads", type=count, default=2, help="torch threads (default 2)")
    parser.add_argument("--seed", type=count, default=1)
    parser.add_argument("--data", metavar="FILE", help="triples, user<TAB>item<TAB>rating (default: synthetic)")
    parser.add_argument("--check", action="store_true", help="check forward, gradient and update on a tiny model, then stop")
    args = parser.parse_args()
    if args.check:
        from metamf_check import check

        check(args.seed)
    else:
        measure(args)


if __name__ == "__main__":
    main()
