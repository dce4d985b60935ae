"""polars or pandas on the task of `metafleet data import`: read a CSV of ratings, number users and items densely, sort by user.

    python columns.py --peer polars --data ratings.csv

Rows of a user keep their order. The result stays in memory: nothing is written. Prints one line of JSON.
"""
import argparse
import json
import resource
import time


def with_polars(path):
    import polars as pl

    frame = pl.read_csv(path, new_columns=["user", "item", "rating"], schema_overrides=[pl.Int64, pl.Int64, pl.Float32])
    # A user's number is that of its run once rows are sorted: cheaper than a rank of all rows.
    frame = frame.sort("user", maintain_order=True).with_columns(pl.col("user").rle_id().alias("user_code"))
    items = frame.select(pl.col("item").unique().sort()).with_row_index("item_code")
    frame = frame.join(items, on="item", how="left", maintain_order="left")
    return frame.height, frame["user_code"].max() + 1, items.height


def with_pandas(path):
    import pandas as pd

    frame = pd.read_csv(path, header=0, names=["user", "item", "rating"], dtype={"user": "int64", "item": "int64", "rating": "float32"})
    frame["user_code"], users = pd.factorize(frame["user"], sort=True)
    frame["item_code"], items = pd.factorize(frame["item"], sort=True)
    frame = frame.sort_values("user_code", kind="stable")
    return len(frame), len(users), len(items)


parser = argparse.ArgumentParser()
parser.add_argument("--peer", choices=["polars", "pandas"], required=True)
parser.add_argument("--data", required=True)
options = parser.parse_args()
start = time.perf_counter()
ratings, users, items = {"polars": with_polars, "pandas": with_pandas}[options.peer](options.data)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * 1024,
            "ratings": ratings,
            "users": users,
            "items": items,
        }
    )
)
