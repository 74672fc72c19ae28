"""Exported trees and network say what the fitted ones say; runs where the training environment is installed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from training.synthesis.voice import graph, network, trees  # noqa: E402

MIX = np.array([0.4, 0.7, -0.1])


@pytest.fixture(scope="module")
def fitted():
    r = np.random.default_rng(0)
    values = r.normal(size=(1_500, 60)).astype(np.float32)
    values[r.random(values.shape) < 0.1] = np.nan
    values[:, 5] = np.nan_to_num(values[:, 5])  # a column that never missed anything, and will later
    fake = (np.nan_to_num(values[:, :6]).sum(axis=1) + r.normal(size=1_500)) > 0
    weight = np.ones(1_500)
    return trees.fit(values, fake, weight, rounds=60), network.fit(values, fake, weight, epochs=4)


@pytest.fixture(scope="module")
def session(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    graph.write(*fitted, MIX, path)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_the_graph_agrees_with_what_was_fitted_missing_values_included(fitted, session):
    r = np.random.default_rng(1)
    values = r.normal(size=(800, 60)).astype(np.float32)
    values[r.random(values.shape) < 0.2] = np.nan
    logit, by_trees, by_network = session.run(None, {"values": values})
    booster, net = fitted
    np.testing.assert_allclose(by_trees[:, 0], trees.logit(booster, values), atol=1e-5)
    np.testing.assert_allclose(by_network[:, 0], net.logit(values), atol=1e-5)
    np.testing.assert_allclose(
        logit[:, 0], MIX[0] * by_trees[:, 0] + MIX[1] * by_network[:, 0] + MIX[2], atol=1e-5
    )


def test_values_on_a_threshold_go_the_same_way(fitted, session):
    booster, _ = fitted
    values = np.zeros((400, 60), np.float32)
    thresholds = []
    waiting = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    for branch in waiting:
        if "threshold" in branch:
            # LightGBM takes what is within 1e-35 of zero for zero; no feature comes near without being it.
            if 1e-30 < abs(branch["threshold"]) < 1e30:
                thresholds.append((branch["split_feature"], branch["threshold"]))
            waiting += [branch["left_child"], branch["right_child"]]
    for k in range(400):
        feature, threshold = thresholds[k % len(thresholds)]
        near = np.float32(threshold)
        values[k, feature] = np.nextafter(near, np.float32((-1) ** k * np.inf)) if k % 3 else near
    (by_trees,) = session.run(["trees"], {"values": values})
    np.testing.assert_allclose(by_trees[:, 0], trees.logit(booster, values), atol=1e-5)


def test_the_same_rows_give_the_same_models(fitted):
    r = np.random.default_rng(2)
    values = r.normal(size=(400, 20)).astype(np.float32)
    fake = values[:, 0] > 0
    one, other = (network.fit(values, fake, np.ones(400), epochs=2) for _ in range(2))
    np.testing.assert_array_equal(one.logit(values), other.logit(values))
    first, second = (trees.fit(values, fake, np.ones(400), rounds=10) for _ in range(2))
    np.testing.assert_array_equal(trees.logit(first, values), trees.logit(second, values))
