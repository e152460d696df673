"""What paints nothing works where MMagic is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HIDDEN = ('mmagic', 'diffusers', 'transformers', 'huggingface_hub')
#: Hides libraries as if they were not installed.
HIDE = f"""
import importlib.abc
import importlib.metadata
import sys

HIDDEN = {HIDDEN}


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Finder())
version = importlib.metadata.version


def hidden_version(name):
    if name.replace("-", "_") in HIDDEN:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)


importlib.metadata.version = hidden_version
"""
WORK = """
import sys

import cv2
import numpy as np
import torch

import mmseg_ganaug
from mmengine.registry import HOOKS, METRICS, MODELS, init_default_scope
from mmseg.registry import DATASETS

init_default_scope('mmseg')
folder = sys.argv[1]
import os

for kind in ('img', 'ann'):
    os.makedirs(f'{folder}/{kind}')
rng = np.random.default_rng(0)
for index in range(6):
    labels = np.zeros((48, 64), np.uint8)
    y, x = rng.integers(0, 30, 2)
    labels[y : y + 12, x : x + 12] = 1 + index % 2
    cv2.imwrite(f'{folder}/ann/{index}.png', labels)
    photo = rng.integers(0, 256, (48, 64, 3), np.uint8)
    cv2.imwrite(f'{folder}/img/{index}.png', photo)
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
source = dict(
    type='BaseSegDataset',
    data_root=folder,
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    img_suffix='.png',
    metainfo=dict(classes=('a', 'b', 'c'), palette=[[0] * 3, [9] * 3, [99] * 3]),
    pipeline=[*load, dict(type='PackSegInputs')],
)
online = dict(
    type='RecomposeLabels',
    source=source,
    recomposer=dict(type='AddMulti'),
    cache_dir=f'{folder}/cache',
    paste_pixels=True,
    prob=1.0,
)
pasted = DATASETS.build(dict(source, pipeline=[*load, online, source['pipeline'][-1]]))
assert pasted[0]['inputs'].shape == (3, 48, 64)
offline = DATASETS.build(
    dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddMulti'),
        generator=None,
        cache_dir=f'{folder}/cache',
        num_samples=3,
    )
)
assert len(offline) == 3
assert offline[0]['inputs'].shape == (3, 48, 64)
harmonizer = MODELS.build(dict(type='mmseg_ganaug.Harmonizer', num_classes=3))
torch.save(harmonizer.state_dict(), f'{folder}/harmonizer.pth')
with open(f'{folder}/harmonizer.py', 'w') as file:
    file.write("model = dict(type='mmseg_ganaug.Harmonizer', num_classes=3)")
weights = dict(
    config=f'{folder}/harmonizer.py', checkpoint=f'{folder}/harmonizer.pth'
)
harmonized = DATASETS.build(
    dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddMulti'),
        generator=dict(type='HarmonizedPixels', **weights),
        cache_dir=f'{folder}/cache',
        num_samples=3,
    )
)
# Untrained, it changes nothing.
assert (harmonized[0]['inputs'] == offline[0]['inputs']).all()
assert harmonized.store().folder != offline.store().folder
damage = dict(type='mmseg_ganaug.DamageObjects', crop_size=(32, 32))
damaged = DATASETS.build(dict(source, pipeline=[*load, damage]))[0]
assert damaged['photo'].shape == (3, 32, 32)
DATASETS.build(
    dict(
        type='mmseg_ganaug.RareClassSamplingDataset',
        dataset=source,
        cache_dir=f'{folder}/cache',
    )
)[0]
MODELS.build(
    dict(type='mmseg_ganaug.ClassWeightedCrossEntropyLoss', class_weight=[1, 2, 3])
)
MODELS.build(dict(type='mmseg_ganaug.EfficientNetLite'))
MODELS.get('GANSegDataPreProcessor')
METRICS.build(dict(type='mmseg_ganaug.ClassIoUMetric'))
for name in ('RatioScheduleHook', 'MixedSamplesHook', 'LabelToImageVisualizationHook'):
    assert HOOKS.get(name) is not None
import mmseg_ganaug.evaluation.metrics
import mmseg_ganaug.experiments.comparison
import mmseg_ganaug.bench.bench
import mmseg_ganaug.own_data.prepare
"""


@pytest.fixture
def run(tmp_path):
    def run(code, *arguments):
        (tmp_path / 'asked.py').write_text(HIDE + code)
        return subprocess.run(
            [sys.executable, '-W', 'ignore', tmp_path / 'asked.py', *arguments],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=ROOT,
            env={**os.environ, 'PYTHONPATH': str(ROOT)},
        )

    return run


def test_segmentation_needs_no_mmagic(run, tmp_path):
    done = run(WORK, str(tmp_path / 'data'))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'code',
    [
        'import mmseg_ganaug\nfrom mmengine.registry import MODELS\n'
        "MODELS.get('Pix2PixHD')",
        'import mmseg_ganaug\nfrom mmengine.registry import HOOKS\n'
        "HOOKS.get('FeatureClusterHook')",
        'from mmseg_ganaug.models.pix2pixhd import Pix2PixHD',
    ],
)
def test_asking_for_the_generator_says_what_to_install(run, code):
    done = run(code)
    assert done.returncode == 1
    assert 'mmagic is not installed: pip install' in done.stderr
