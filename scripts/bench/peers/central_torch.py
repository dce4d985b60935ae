"""One training epoch of central models in PyTorch, on one thread: AutoRec-I, NCF and Mult-VAE, as docs/models.md has them."""
import argparse
import math
import time

import torch
from torch import nn

from shared import count, emit, read_triples

USERS, ITEMS = 6040, 3706


def autorec(users, items, values, counts, generator):
    """500 hidden units, 512 items a step, λ 40. Dense rows: what a framework does without kernels of its own."""
    rows = torch.zeros(counts[1], counts[0])
    rows[items, users] = torch.from_numpy(values)
    there = (rows != 0).float()
    encoder, decoder = nn.Linear(counts[0], 500), nn.Linear(500, counts[0])
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=7e-4)

    def epoch():
        for batch in torch.randperm(counts[1], generator=generator).split(512):
            x = rows[batch]
            error = (decoder(torch.sigmoid(encoder(x))) - x) * there[batch]
            loss = error.square().sum() + 20 * (encoder.weight.square().sum() + decoder.weight.square().sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


class Ncf(nn.Module):
    def __init__(self, counts, d):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, 2 * d + 1) for count in counts)
        self.mlp = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, d // 2), nn.ReLU())
        self.output = nn.Linear(d + d // 2, 1)
        self.d = d

    def forward(self, users, items):
        d = self.d
        u, i = self.tables[0](users), self.tables[1](items)
        hidden = self.mlp(torch.cat([u[:, d : 2 * d], i[:, d : 2 * d]], 1))
        penalty = 0.05 * (u.square().sum() + i.square().sum())
        return self.output(torch.cat([u[:, :d] * i[:, :d], hidden], 1)).squeeze(1) + u[:, -1] + i[:, -1], penalty


def ncf(users, items, values, counts, generator):
    """Embeddings 4 × 32, layers 64-32-16, 1,024 ratings a step."""
    model = Ncf(counts, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    columns = [torch.from_numpy(column) for column in (users, items, values)]

    def epoch():
        for batch in torch.randperm(len(values), generator=generator).split(1024):
            u, i, value = (column[batch] for column in columns)
            prediction, penalty = model(u, i)
            loss = ((prediction - value).square().sum() + penalty) / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def mult_vae(users, items, _values, counts, generator):
    """200 latent variables, one linear layer each way, 250 users a step, dropout .5."""
    rows = torch.zeros(*counts)
    rows[users, items] = 1
    encoder, decoder = nn.Linear(counts[1], 400), nn.Linear(200, counts[1])
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)

    def epoch():
        for batch in torch.randperm(counts[0], generator=generator).split(250):
            x = rows[batch]
            mean, log_variance = encoder(nn.functional.dropout(nn.functional.normalize(x), 0.5)).chunk(2, 1)
            z = mean + torch.randn(mean.shape, generator=generator) * torch.exp(log_variance / 2)
            likelihood = (x * torch.log_softmax(decoder(z), 1)).sum()
            divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
            loss = (0.1 * divergence - likelihood) / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


MODELS = {"autorec-i": autorec, "ncf": ncf, "mult-vae": mult_vae}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--data", required=True, help="training ratings of MovieLens-1M: user<TAB>item<TAB>rating a line, ids from 0")
    parser.add_argument("--epochs", type=count, default=3)
    parser.add_argument("--threads", type=count, default=1)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    torch.manual_seed(1)
    users, items, values = read_triples(flags.data, USERS, ITEMS)
    epoch = MODELS[flags.model](users, items, values, (USERS, ITEMS), torch.Generator().manual_seed(1))
    epoch()
    seconds = []
    for _ in range(flags.epochs):
        start = time.process_time()
        epoch()
        seconds.append(time.process_time() - start)
    emit(
        model=flags.model,
        torch=torch.__version__,
        threads=flags.threads,
        cpu_seconds_per_epoch=round(math.fsum(seconds) / len(seconds), 3),
        best=round(min(seconds), 3),
    )


if __name__ == "__main__":
    main()
