"""Configs in pure Python, of types by name or by class, wherever a config may be."""

import re
import shutil
import sys
from pathlib import Path

import cv2
import pytest
import torch
from documents import ROOT, Document
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from small_projects import make
from warm_tools import run_tool

from mmseg_ganaug.commands import main
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.datasets import GANRecomposeDataset, LabelToImageDataset
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis import MMagicGenerator

FIRST = """
from mmengine.config import read_base
with read_base():
    from .lazy_real import *
"""
BY_NAME = """
real = dict(train_dataloader.dataset)
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset', source=real, generator=None,
    recomposer=dict(type='AddSingle', classes=['defect']), num_samples=4,
    cache_dir='cache')
train_dataloader.dataset = dict(type='ConcatDataset', datasets=[real, generated])
"""
GENERATOR = """
from mmseg_ganaug.models import Pix2PixHD, Pix2PixHDGlobalGenerator
default_scope = 'mmagic'
model = dict(
    type=Pix2PixHD, label_encoder=dict(num_classes=3),
    generator=dict(type=Pix2PixHDGlobalGenerator, base_channels=4, num_downsamples=1,
                   num_blocks=1))
"""


def documented():
    """The example of the docs, over the config of these tests."""
    blocks = Document(ROOT / 'docs/existing_project.md').blocks
    (text,) = (b.text for b in blocks if b.text.startswith('# your_lazy_config'))
    text = text.replace('.your_lazy_config', '.lazy_real')
    text, count = re.subn(r'generator=dict\(.*\),', 'generator=None,', text)
    assert count == 1
    return text.replace('data/ganaug/your_data', 'cache')


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Folder of a project whose config is pure Python."""
    make(tmp_path / 'data')
    shutil.copy(Path(__file__).parent / 'lazy_real.py', tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'by_class.py').write_text(documented())
    (tmp_path / 'by_name.py').write_text(FIRST + BY_NAME)
    over = FIRST.replace('lazy_real', 'by_class')
    (tmp_path / 'over_it.py').write_text(over + 'train_cfg.update(max_iters=3)\n')
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield tmp_path


@pytest.mark.parametrize('name', ['by_class', 'by_name', 'over_it'])
def test_every_form_is_read_built_and_written(project, name):
    cfg = read_config(f'{name}.py')
    with pytest.raises(ValueError, match=r'set train_dataloader\.dataset\.datasets\.1'):
        override(cfg, {'generated.ratio': 3})
    override(cfg, {'train_dataloader.dataset.datasets.1.seed': 3})
    assert len(find_generated(cfg.train_dataloader.dataset)) == 1
    cfg.dump('written.py')
    again = read_config('written.py')
    for dataset in (cfg.train_dataloader.dataset, again.train_dataloader.dataset):
        assert len(DATASETS.build(dataset)) == 12
    assert len(list(Path('cache').glob('*/images'))) == 1


def test_its_data_set_is_a_source(project):
    real = read_config('lazy_real.py').train_dataloader.dataset
    assert len(LabelToImageDataset(real)) == 8
    made = GANRecomposeDataset(
        real, dict(type='AddSingle', classes=['defect']), None, 'cache', num_samples=2
    )
    assert len(made) == 2


def test_the_config_of_a_generator_may_be_one(project):
    Path('generator.py').write_text(GENERATOR)
    model = dict(read_config('generator.py').model)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmagic'):
        torch.save(MODELS.build(model).state_dict(), 'weights.pth')
    painter = MMagicGenerator('generator.py', 'weights.pth', device='cpu')
    assert painter.num_classes == 3 and painter.stride == 2
    text = (FIRST + BY_NAME).replace(
        'generator=None',
        "generator=dict(config='generator.py', checkpoint='weights.pth', device='cpu')",
    )
    Path('painted.py').write_text(text)
    dataset = DATASETS.build(read_config('painted.py').train_dataloader.dataset)
    assert dataset[11]['inputs'].shape == (3, 64, 96)


@pytest.mark.parametrize(
    'words',
    [
        ['distribution', 'CONFIG', '--jobs', '0'],
        ['synthesize', 'CONFIG', '--verify'],
        ['browse', 'CONFIG', '--num-samples', '2', '--out', 'sheet.png'],
        ['browse-recomposed', 'CONFIG', '--paste-pixels', '--out', 'sheets'],
    ],
    ids=lambda words: words[0],
)
def test_commands_take_it(project, words, monkeypatch, capsys):
    words = [word.replace('CONFIG', 'by_class.py') for word in words]
    monkeypatch.setattr(sys, 'argv', ['ganaug', *words])
    main()
    if 'sheet.png' in words:
        assert cv2.imread('sheet.png') is not None
    assert 'defect' in capsys.readouterr().out or words[0] != 'distribution'


def test_a_treatment_of_it_is_a_config_that_trains_it(project, monkeypatch):
    words = ['apply', 'lazy_real.py', '--treatment', 'class-weights-rare+real-pixels']
    monkeypatch.setattr(sys, 'argv', ['ganaug', *words])
    main()
    written = read_config('lazy_real_class_weights_rare_real_pixels.py')
    loss = written.model.decode_head.loss_decode
    assert (loss.type, loss.class_weight) == (
        'mmseg_ganaug.ClassWeightedCrossEntropyLoss',
        'rare',
    )
    own = read_config('lazy_real.py')
    real, generated = written.train_dataloader.dataset.datasets
    assert (real.type, real.data_root) == ('mmseg.datasets.BaseSegDataset', 'data')
    assert generated.source == real
    assert written.train_cfg.max_iters == own.train_cfg.max_iters


@pytest.mark.slow
def test_it_trains(project):
    log = project / 'log.txt'
    run_tool('training', 'tools/train.py', ['by_class.py', '--work-dir', 'work'], log)
    assert Path('work/last_checkpoint').exists()


def test_what_does_not_work_is_explained(project):
    Path('update.py').write_text(
        FIRST
        + BY_NAME.replace('train_dataloader.dataset = dict(', 'new = dict(')
        + 'train_dataloader.update(dataset=new)\n'
    )
    with pytest.raises(ValueError, match=r'ConcatDataset, but has data_.* assign: '):
        override(read_config('update.py'), None)
    Path('itself.py').write_text(
        FIRST
        + BY_NAME.replace(
            'dict(train_dataloader.dataset)', 'train_dataloader.dataset'
        ).replace('train_dataloader.dataset = dict(', 'new = dict(')
        + 'train_dataloader.update(dataset=new)\n'
    )
    with pytest.raises(ValueError, match=r'itself\.py cannot be read: .* itself\. In'):
        read_config('itself.py')
    Path('text.py').write_text("_base_ = './lazy_real.py'\n")
    with pytest.raises(ValueError, match=r'text\.py cannot be read: .*lazy_import'):
        read_config('text.py')


def test_a_base_in_the_scope_of_the_package(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("_base_ = 'mmseg_ganaug::_base_/datasets/camvid_360x480.py'\n")
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.type == 'mmseg_ganaug.CamVidDataset'
    listed = 'pspnet/pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
    path.write_text(f"_base_ = ['mmseg_ganaug::{listed}']\n")
    cfg = read_config(path)
    assert cfg.model.type == 'EncoderDecoder'
    path.write_text("_base_ = 'mmseg_ganaug::pspnet/none.py'\n")
    with pytest.raises(FileNotFoundError, match=r'no config pspnet/none\.py'):
        read_config(path)
