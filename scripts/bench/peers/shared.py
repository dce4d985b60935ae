"""What the peer programs have in common: checked flags, reading rating triples, and the one JSON line of the result."""

import argparse
import json
import os
import sys

import numpy as np


def fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def count(text):
    """argparse type: a whole number of at least 1."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return number


def rate(text):
    """argparse type: a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def read_triples(path, users, items):
    """user<TAB>item<TAB>rating per line, ids from 0; more columns are ignored."""
    if not os.path.isfile(path):
        fail(f"--data {path}: no such file")
    try:
        table = np.loadtxt(path, dtype=np.float64, delimiter="\t", usecols=(0, 1, 2), ndmin=2)
    except ValueError as error:
        fail(f"--data {path}: lines must read user<TAB>item<TAB>rating, in numbers ({error})")
    if not len(table) or not np.isfinite(table).all():
        fail(f"--data {path}: needs at least one line, of finite numbers")
    ids = table[:, :2].astype(np.int64)
    for name, column, bound in (("user", ids[:, 0], users), ("item", ids[:, 1], items)):
        if column.min() < 0 or column.max() >= bound:
            fail(f"--data {path}: {name} ids run from {column.min()} to {column.max()}, expected 0 to {bound - 1}")
    return ids[:, 0].copy(), ids[:, 1].copy(), table[:, 2].astype(np.float32)


def emit(**result):
    print(json.dumps(result), flush=True)
