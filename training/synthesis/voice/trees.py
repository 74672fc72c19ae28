"""Gradient boosted trees on the features, and their translation into an ONNX node.

LightGBM sends a missing value where its training sent it; the TreeEnsembleRegressor of ONNX can say the same,
node by node. Thresholds are float64 there and float32 here: rounded downwards they route float32 values alike.
"""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

OPTIONS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.15,  # hundreds of related features: each tree sees a few, none carries alone
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}
ROUNDS = 250


def fit(
    values: NDArray[np.float32], fake: NDArray[np.bool_], weight: NDArray[np.float64], rounds: int = ROUNDS
) -> lightgbm.Booster:
    """Train on float32[n, F] against bool[n] with weights float64[n]."""
    data = lightgbm.Dataset(values, label=fake.astype(np.int8), weight=weight, params=OPTIONS)
    return lightgbm.train(OPTIONS, data, num_boost_round=rounds)


def logit(booster: lightgbm.Booster, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sum over the trees, float64[n]."""
    return np.asarray(booster.predict(values, raw_score=True), np.float64)


def node(booster: lightgbm.Booster, source: str, target: str) -> onnx.NodeProto:
    """Return the trees as one TreeEnsembleRegressor from tensor ``source`` [n, F] to ``target`` [n, 1]."""
    attributes: dict[str, list[Any]] = {
        name: []
        for name in (
            "nodes_treeids",
            "nodes_nodeids",
            "nodes_featureids",
            "nodes_modes",
            "nodes_values",
            "nodes_truenodeids",
            "nodes_falsenodeids",
            "nodes_missing_value_tracks_true",
            "target_treeids",
            "target_nodeids",
            "target_ids",
            "target_weights",
        )
    }
    for number, tree in enumerate(booster.dump_model()["tree_info"]):
        _add(tree["tree_structure"], number, attributes)
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [target],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )


def _add(root: dict[str, Any], number: int, into: dict[str, list[Any]]) -> None:
    """Append one tree; its nodes are numbered in the order they are met."""
    waiting = [root]
    place = {id(root): 0}
    for branch in waiting:
        own = place[id(branch)]
        if "leaf_value" in branch:
            _leaf(branch, number, own, into)
            continue
        for side in ("left_child", "right_child"):
            place[id(branch[side])] = len(waiting)
            waiting.append(branch[side])
        threshold = _down(branch["threshold"])
        missing_left = branch["default_left"] if branch["missing_type"] == "NaN" else threshold >= 0.0
        for name, value in (
            ("nodes_treeids", number),
            ("nodes_nodeids", own),
            ("nodes_featureids", branch["split_feature"]),
            ("nodes_modes", "BRANCH_LEQ"),
            ("nodes_values", threshold),
            ("nodes_truenodeids", place[id(branch["left_child"])]),
            ("nodes_falsenodeids", place[id(branch["right_child"])]),
            ("nodes_missing_value_tracks_true", int(missing_left)),
        ):
            into[name].append(value)


def _leaf(leaf: dict[str, Any], number: int, own: int, into: dict[str, list[Any]]) -> None:
    for name, value in (
        ("nodes_treeids", number),
        ("nodes_nodeids", own),
        ("nodes_featureids", 0),
        ("nodes_modes", "LEAF"),
        ("nodes_values", 0.0),
        ("nodes_truenodeids", 0),
        ("nodes_falsenodeids", 0),
        ("nodes_missing_value_tracks_true", 0),
        ("target_treeids", number),
        ("target_nodeids", own),
        ("target_ids", 0),
        ("target_weights", float(leaf["leaf_value"])),
    ):
        into[name].append(value)


def _down(threshold: float) -> float:
    """Return the largest float32 that is not above a float64."""
    near = np.float32(min(threshold, float(np.finfo(np.float32).max)))
    return float(np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near)
