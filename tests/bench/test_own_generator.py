"""The generator that a bench trains for its painted pairs."""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest
from mmengine.config import Config
from tiny_data import make_scenes
from warm_tools import run_tool

from mmseg_ganaug.bench.inputs import folders_config, read_inputs
from mmseg_ganaug.bench.options import BenchOptions
from mmseg_ganaug.bench.own_generator import _generator_config, train_own_generator
from mmseg_ganaug.commands.bench import add_arguments
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.ownership import WorkFolder


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=20)
    work = WorkFolder(Path('out'), 'bench')
    config = folders_config(work, work.folder / 'data', 'photos', 'masks')
    return read_inputs(config, work.folder / 'samples'), work


@pytest.mark.slow
def test_it_is_trained_once_and_on_training_photos_alone(inputs, monkeypatch):
    inputs, work = inputs
    ran = []

    def run(*args, **options):
        ran.append(args[1])
        return run_tool(*args, **options)

    monkeypatch.setattr(runner, 'run_tool', run)
    for _ in range(2):
        found = train_own_generator(inputs, work, 2, 0)
    assert ran == ['tools/train.py']
    cfg = Config.fromfile(found['config'])
    assert cfg.train_cfg.max_iters == 2
    assert cfg.model.label_encoder.num_classes == len(inputs.classes) == 3
    trained = inputs.cfg.train_dataloader.dataset
    assert cfg.train_dataloader.dataset.source.ann_file == trained.ann_file
    assert (Path(found['checkpoint']) / 'iter_2.pth').is_file()


def test_labels_are_ignored_as_in_the_data_where_the_network_does_not_say(inputs):
    inputs, _ = inputs
    # As that of K-Net, which has heads in a head.
    inputs.cfg.model.decode_head = dict(type='IterativeDecodeHead')
    inputs = replace(inputs, ignore_index=3)
    cfg = _generator_config(inputs, 2, 0)
    assert cfg.model.label_encoder.ignore_index == 3
    assert cfg.train_dataloader.dataset.pipeline[0].ignore_index == 3


@pytest.mark.parametrize('beside', [False, True])
def test_it_sees_crops_as_large_as_the_network_does(inputs, beside):
    cfg = inputs[0].cfg
    (cfg if beside else cfg.model).data_preprocessor = dict(size=(100, 150))
    if beside:
        cfg.model.pop('data_preprocessor', None)
    painted = _generator_config(inputs[0], 2, 0).train_dataloader.dataset
    assert tuple(painted.pipeline[0].crop_size) == (96, 144)


def test_files_of_the_user_stay(inputs):
    inputs, work = inputs
    mine = work.folder / 'runs' / 'generator' / 'mine.txt'
    mine.parent.mkdir(parents=True)
    mine.write_text('mine')
    with pytest.raises(FileExistsError, match='generator'):
        train_own_generator(inputs, work, 2, 0)
    assert mine.read_text() == 'mine'


def test_painted_pairs_race_where_one_will_be_trained():
    names, notes = BenchOptions(train_generator=10).choose([])
    assert 'add-multi' in names and not notes
    assert 'add-multi' not in BenchOptions().choose([])[0]
    BenchOptions(treatments=['recon'], train_generator=10)
    with pytest.raises(ValueError, match='--train-generator'):
        BenchOptions(treatments=['recon'])
    with pytest.raises(ValueError, match='not both'):
        BenchOptions(generator=('a', 'b'), train_generator=10)


@pytest.mark.parametrize(
    ('given', 'iterations'),
    [([], None), (['--train-generator'], 1500), (['--train-generator', '7'], 7)],
)
def test_its_length_may_be_given(given, iterations):
    parser = ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args(given).train_generator == iterations
