"""Treatments in MMSeg's own tools/train.py, for two iterations on ToyStreets."""

import os
from pathlib import Path

import mmseg
import pytest
from warm_tools import run_tool

from mmseg_ganaug.bench.treatments import TreatmentData, write_overlay
from mmseg_ganaug.toy_streets import make_toy_streets

pytestmark = pytest.mark.slow
SHIPPED = Path(__file__).parents[2] / 'configs/pspnet'
SHIPPED /= 'pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
TRAIN = Path(mmseg.__file__).parent / '.mim' / 'tools' / 'train.py'
CONFIG = """\
_base_ = {base!r}
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root={data!r}),
)
val_dataloader = dict(dataset=dict(data_root={data!r}))
train_cfg = dict(max_iters=2)
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('user')
    make_toy_streets(folder / 'data', num_train=6, num_val=1, size=(64, 128))
    path = folder / 'config.py'
    base = os.path.relpath(SHIPPED, folder)
    path.write_text(CONFIG.format(base=base, data=str(folder / 'data')))
    return path


@pytest.mark.parametrize(
    'name',
    [
        'class-weights-sqrt+ohem',
        'focal+rare-class-sampling',
        'real-pixels+class-weights-rare',
        'larger-crops',
    ],
)
def test_it_trains_under_the_tool_of_mmseg(config, tmp_path, name):
    data = TreatmentData(cache_dir=str(tmp_path / 'cache'), ratio=1.0)
    out = write_overlay(config, name, tmp_path / 'treated.py', data)
    work_dir = tmp_path / 'work_dir'
    log = tmp_path / 'train.log'
    run_tool(name, str(TRAIN), [out, '--work-dir', work_dir], log)
    assert (work_dir / 'iter_2.pth').is_file()
    written = log.read_text()
    if 'class-weights' in name:
        formula = 'rare' if 'rare' in name else 'inverse-sqrt'
        assert f"class_weight='{formula}' is road " in written
    if 'focal' in name:
        assert 'loss_focal' in written
