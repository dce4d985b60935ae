"""metamf_torch.py --check: the PyTorch step against its formulas, written out in plain numpy, on a tiny model in float64."""

import numpy as np
import torch
from torch import nn

from metamf_torch import MetaMF, make_optimizer, train_step
from shared import emit, fail


def check(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    m, n, d, k, o, s, f, batch = 7, 11, 4, 5, 6, 3, 2, 9
    model = MetaMF(m, n, d, k, o, s, f).double()
    for p in model.parameters():  # biases away from zero, so that they are checked too
        nn.init.normal_(p, std=0.7)
    theta = {name: p.detach().numpy() for name, p in model.named_parameters()}
    users, items, ratings = rng.integers(0, m, batch), rng.integers(0, n, batch), rng.integers(1, 6, batch).astype(float)
    tensors = [torch.from_numpy(x) for x in (users, items, ratings)]

    def layer(name, x):
        return theta[f"{name}.weight"] @ x + theta[f"{name}.bias"]

    def mean_loss():
        total = 0.0
        for u, i, rating in zip(users, items, ratings):
            c = theta["users.weight"][u] @ theta["memory"]
            h, h1, h2 = (np.maximum(layer(name, c), 0) for name in ("hidden_item", "hidden_1", "hidden_2"))
            e = layer("low", h).reshape(n, s)[i] @ layer("rise", h).reshape(s, d)
            hidden = np.maximum(e @ layer("w1", h1).reshape(d, f) + layer("b1", h1), 0)
            total += float((hidden @ layer("w2", h2) + layer("b2", h2))[0] - rating) ** 2
        return total / batch

    naive = mean_loss()
    before = {name: value.copy() for name, value in theta.items()}
    loss = torch.mean((model(*tensors[:2]) - tensors[2]) ** 2)
    loss.backward()
    gradients = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    differences, step = [], 1e-6
    for name, value in theta.items():  # `value` shares memory with the model
        for at in rng.integers(0, value.size, 12):
            kept = value.flat[at]
            value.flat[at] = kept + step
            up = mean_loss()
            value.flat[at] = kept - step
            difference = (up - mean_loss()) / (2 * step)
            value.flat[at] = kept
            differences.append(abs(difference - gradients[name].flat[at]) / (1 + abs(difference)))
    optimizer = make_optimizer(model)
    stepped = train_step(model, optimizer, *tensors).item()
    scale = min(1.0, 5 / (np.sqrt(sum((g**2).sum() for g in gradients.values())) + 1e-6))
    update_errors = []
    for (name, value), p in zip(theta.items(), model.parameters()):  # first Adam step: m = 0.1 g, m̂ = g, v̂ = g²
        g = gradients[name] * scale + 1e-3 * before[name]  # the step itself hides the size of g, its first moment does not
        update_errors.append(np.abs(optimizer.state[p]["exp_avg"].numpy() - 0.1 * g).max())
        update_errors.append(np.abs(value - (before[name] - 1e-4 * g / (np.abs(g) + 1e-8))).max())
    errors = {"forward": (abs(loss.item() - naive) + abs(stepped - naive)) / naive,
              "gradient": float(np.max(differences)), "update": float(np.max(update_errors))}
    limits = {"forward": 1e-12, "gradient": 1e-6, "update": 1e-10}
    emit(peer="pytorch-metamf", task="check", clipped=bool(scale < 1),
         **{f"{name}_error": value for name, value in errors.items()})
    wrong = [name for name in errors if not errors[name] < limits[name]]
    if wrong:
        fail(f"the check found a wrong {' and '.join(wrong)}")
