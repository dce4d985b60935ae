"""Reads an export of MetaMF with the reference package `safetensors`, and computes its numbers again with NumPy.

    metafleet export --run results/RUN --out EXPORT --users 1,42
    metafleet predict PAIRS.csv --run results/RUN > PREDICTIONS.csv
    python safetensors_check.py EXPORT PREDICTIONS.csv

Models of users (Lin et al., SIGIR 2020, eq. 1-5) are generated again from theta.safetensors, and compared with users.safetensors.
Predictions (eq. 6, 7) of these users are compared with PREDICTIONS.csv. The device's own mean is not in an export, so that
differences of two items' predictions are compared. Prints one line of JSON. Exit code 1 if a number is off.
"""

import csv
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def generate(theta, user, s):
    """The tensors of one user's model."""
    relu = lambda x: np.maximum(x, 0)
    c = theta["U"][user] @ theta["M"]
    hidden = {
        name: relu(c @ theta[f"hidden.{name}.weights"] + theta[f"hidden.{name}.bias"]) for name in ("item", "layer1", "layer2")
    }
    dense = lambda branch, name: hidden[branch] @ theta[f"{name}.weights"] + theta[f"{name}.bias"]
    low = np.einsum("o,nos->ns", hidden["item"], theta["low.weights"]) + theta["low.bias"]
    f = theta["layer2.bias"].size - 1
    d = theta["layer1.bias"].size // f - 1
    layer1, layer2 = dense("layer1", "layer1"), dense("layer2", "layer2")
    return {
        "items_low": low[:, :s],
        "items_rise": dense("item", "rise").reshape(s, d),
        "w1": layer1[: d * f].reshape(d, f),
        "b1": layer1[d * f :],
        "w2": layer2[:f],
        "b2": layer2[f:],
    }


def predict(model):
    """Predictions of all items, less the device's mean."""
    hidden = np.maximum(model["items_low"] @ model["items_rise"] @ model["w1"] + model["b1"], 0)
    return hidden @ model["w2"] + model["b2"] + model["items_low"][:, 0]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def main():
    folder = pathlib.Path(sys.argv[1])
    theta = {name: values.astype(np.float64) for name, values in load_file(folder / "theta.safetensors").items()}
    exported = load_file(folder / "users.safetensors")
    row = {user["id"]: user["index"] for user in lines(folder / "users.ndjson")}
    column = {item["id"]: item["index"] for item in lines(folder / "items.ndjson")}
    users = sorted({name.rpartition("/")[0] for name in exported})
    tensors = 0.0
    models = {}
    for user in users:
        s = exported[f"{user}/items_low"].shape[1]
        models[user] = generate(theta, row[user], s)
        for name, values in models[user].items():
            tensors = max(tensors, float(np.max(np.abs(values - exported[f"{user}/{name}"]))))
    result = {"tensors": len(theta), "numbers": int(sum(values.size for values in theta.values())), "users": len(users)}
    result["largest difference of a generated number"] = tensors
    worst, compared = 0.0, 0
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf8", newline="") as file:
            rows = [each for each in csv.DictReader(file) if each["user"] in models and each["prediction"] != ""]
        for user in users:
            own = [each for each in rows if each["user"] == user]
            if len(own) < 2:
                continue
            ours = predict(models[user])[[column[each["item"]] for each in own]]
            theirs = np.array([float(each["prediction"]) for each in own])
            worst = max(worst, float(np.max(np.abs((ours - ours[0]) - (theirs - theirs[0])))))
            compared += len(own)
        result["predictions"] = compared
        result["largest difference of a prediction"] = worst
    print(json.dumps(result))
    return 0 if max(tensors, worst) < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
