"""Training samples of the harmonizer, and a training on them."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import Runner

from mmseg_ganaug.checkpoints import load_checkpoint
from mmseg_ganaug.datasets.transforms import DamageObjects
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.toy_streets import make_toy_streets

NAME = 'harmonizer_small_1xb4-2k_toystreets-128x256'


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    label_map = np.zeros((40, 60), np.uint8)
    label_map[10:20, 20:35] = 2
    label_map[25:30, 5:15] = 1
    label_map[:3] = 255
    photo = rng.integers(0, 256, (40, 60, 3), np.uint8)
    return dict(img=photo, gt_seg_map=label_map, img_path='a.png')


def damaged(sample, seed=0, **options):
    np.random.seed(seed)  # noqa: NPY002
    return DamageObjects(crop_size=(24, 32), **options)(dict(sample))


def test_a_sample_is_drawn_from_the_seed_of_the_worker(sample):
    one, again, other = (damaged(sample, seed) for seed in (0, 0, 5))
    assert one.keys() == {'photo', 'base', 'pasted', 'labels', 'target'}
    for name, value in one.items():
        assert torch.equal(value, again[name])
        assert value.shape[-2:] == (24, 32)
    assert not torch.equal(one['photo'], other['photo'])


def test_only_things_are_damaged(sample):
    found = set()
    for seed in range(20):
        made = damaged(sample, seed, things=[2], max_objects=1)
        # A rim of two pixels at most belongs to it as well.
        classes = np.bincount(made['labels'][made['pasted']], minlength=3)
        found.add(int(classes.argmax()))
        assert classes[1] == 0
    assert found == {2}


def test_instances_are_objects_of_their_own(sample):
    instances = np.zeros((40, 60), np.int32)
    instances[10:20, 20:27], instances[10:20, 27:35] = 1, 2
    transform = DamageObjects(crop_size=(40, 60), things=[2], max_objects=1)
    areas = []
    for seed in range(10):
        np.random.seed(seed)  # noqa: NPY002
        made = transform(dict(sample, gt_instance_map=instances))
        areas.append(int(made['pasted'].sum()))
    # As they are, or wider by up to two pixels.
    assert {70, 80} & set(areas)
    assert max(areas) <= 14 * 12


def test_a_photo_without_objects_is_passed_over(sample):
    assert damaged(sample, things=[7]) is None
    assert damaged(sample, min_area=0.5) is None


def test_a_photo_smaller_than_the_window_is_an_error_that_names_it(sample):
    transform = DamageObjects(crop_size=(41, 32))
    with pytest.raises(ValueError, match=r'a\.png is \(40, 60\).*crop_size'):
        transform(sample)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('harmonizer')
    make_toy_streets(folder / 'data', 4, 1, progress=False)
    cfg = read_config(f'configs/harmonizer/{NAME}.py')
    cfg.train_dataloader.dataset.data_root = str(folder / 'data')
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.train_cfg.max_iters = 2
    cfg.param_scheduler = None
    cfg.model.channels = 4
    cfg.work_dir = str(folder / 'run')
    cfg.experiment_name = 'test_harmonizer'
    return cfg


def test_the_shipped_config_trains_and_its_checkpoint_is_safe(config, monkeypatch):
    # They look for compilers and lay the config out, longer than the training takes.
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr(Config, 'pretty_text', property(repr))
    runner = Runner.from_cfg(config)
    before = [value.clone() for value in runner.model.parameters()]
    runner.train()
    after = list(runner.model.parameters())
    assert any(not torch.equal(one, two) for one, two in zip(before, after))
    saved = load_checkpoint(f'{config.work_dir}/iter_2.pth')['state_dict']
    assert saved.keys() == runner.model.state_dict().keys()


def test_objects_of_the_shipped_config_are_those_it_names(config):
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
    names = dataset.metainfo['classes']
    things = {names[at] for at in dataset.pipeline.transforms[-1].things}
    assert things == {'car', 'pole', 'traffic sign', 'person', 'rider'}
