"""The data of every config are built and loaded, on tiny data and an untrained GAN.

What is checked is what the runner would do until the first step: data loader, every
transform of the pipeline, the sample that a generator paints, the data preprocessor.
"""

import copy
import gc
import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.registry import DATASETS, HOOKS, MODELS, DefaultScope
from mmengine.runner import Runner, set_random_seed
from tiny_data import make_camvid, make_cityscapes

from mmseg_ganaug.config_search import find_generated, nested_dicts
from mmseg_ganaug.datasets.camvid import CamVidDataset
from mmseg_ganaug.datasets.samplers import generated_parts
from mmseg_ganaug.experiments.comparison import MethodComparison
from mmseg_ganaug.experiments.runner import Cell
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.toy_streets import make_toy_streets

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name != '_base_'
)
MATRICES = sorted(
    [*(ROOT / 'configs/comparisons').glob('*.yaml'), *ROOT.glob('experiments/*.yaml')]
)


def changed_methods():
    """What is compared beyond the shipped configs: a matrix and a name in it."""
    for path in MATRICES:
        if 'methods' not in yaml.safe_load(path.read_text()):
            continue
        matrix = read_config(path).to_dict()
        for name, stated in matrix['methods'].items():
            if isinstance(stated, dict) or {'train_every', 'generator'} & set(matrix):
                yield pytest.param(matrix, name, id=f'{path.stem}-{name}')


JUDGE = 'pspnet_efficientnet-lite0-fpn_judge_1xb4-1200_camvid-240x320'
# What the tests below build; any other option has to name a setting that is there.
BUILT = ('train_dataloader', 'custom_hooks')


@pytest.fixture(scope='module')
def little_garbage():
    """Keeps what is imported out of the garbage collection of every data set."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope='session')
def project(tmp_path_factory):
    """A working directory with the data and the checkpoints that the configs name."""
    folder = tmp_path_factory.mktemp('project')
    make_camvid(folder / 'data/camvid')
    make_cityscapes(folder / 'data/cityscapes')
    to_camvid_classes(folder / 'data')
    make_toy_streets(folder / 'data/toy_streets', 6, 2, progress=False)
    for path in CONFIGS:
        if path.parent.name == 'pix2pixhd':
            leave_untrained(path, folder)
    leave_untrained_judge(folder)
    return folder


def to_camvid_classes(folder):
    with pytest.MonkeyPatch.context() as patch:
        photos, masks = (
            folder / 'cityscapes' / name for name in ('leftImg8bit', 'gtFine')
        )
        arguments = [str(photos), str(masks), str(folder / 'cityscapes_camvid')]
        patch.setattr(sys, 'argv', ['cityscapes_to_camvid.py', *arguments])
        converters = ROOT / 'tools/dataset_converters'
        runpy.run_path(str(converters / sys.argv[0]), run_name='__main__')


def leave_untrained_judge(folder):
    """Leaves weights of the segmenter by which a filter judges."""
    path = ROOT / 'configs/pspnet' / f'{JUDGE}.py'
    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
    weights = folder / f'work_dirs/{JUDGE}/iter_1200.pth'
    weights.parent.mkdir(parents=True)
    torch.save({'state_dict': model.state_dict()}, weights)


def leave_untrained(path, folder):
    """Leaves what a training of the generator would, with random weights."""
    cfg = Config.fromfile(path)
    generator = cfg.model.generator
    if generator.base_channels > 16:
        # The networks of the paper have 180 million weights and take seconds a photo.
        # A config in the working directory comes before the shipped one of its name.
        generator.base_channels = 4
        small = folder / path.relative_to(ROOT)
        small.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(small)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
    work_dir = folder / 'work_dirs' / path.stem
    work_dir.mkdir(parents=True)
    # The losses and the discriminators of the model have no part in painting.
    weights = {
        k: v for k, v in model.state_dict().items() if k.startswith('generators')
    }
    torch.save({'state_dict': weights}, work_dir / 'iter_1.pth')
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'iter_1.pth'))
    # Half of the classes are painted well enough for composite='auto'.
    names = CamVidDataset.METAINFO['classes']
    fidelity = {name: number % 2 for number, name in enumerate(names)}
    (work_dir / 'fidelity.json').write_text(json.dumps({'fidelity': fidelity}))


@pytest.fixture(autouse=True)
def in_project(project, little_garbage, monkeypatch):
    monkeypatch.chdir(project)


def make_sure(loader):
    """One generated sample is enough, and what happens by chance happens."""
    for generated in find_generated(loader.dataset):
        key = 'ratio' if 'ratio' in generated else 'num_samples'
        generated[key] = {'ratio': 1e-6, 'num_samples': 1}[key]
        if 'filters' in generated:
            # They run the segmenter over every real photo.
            generated.source.indices = 8
    for part in nested_dicts(loader.dataset):
        for key in ('prob', 'p'):
            if isinstance(part.get(key), float) and 0 < part[key] < 1:
                part[key] = 1.0


def check_loader(cfg, which):
    """Builds a data loader as the runner does, and has a batch of it preprocessed."""
    settings = copy.deepcopy(cfg[which])
    settings.update(num_workers=0, persistent_workers=False)
    make_sure(settings)
    set_random_seed(0)
    loader = Runner.build_dataloader(settings, seed=0)
    dataset = loader.dataset
    assert len(next(iter(loader.batch_sampler))) == settings.batch_size
    for part in generated_parts(dataset):
        assert len(part) == 1
    starts = [0, *getattr(dataset, 'cumulative_sizes', [])[:-1]]
    samples = [dataset[start] for start in starts]
    if cfg.default_scope == 'mmagic':
        check_pair(cfg, samples[0]['inputs'])
    else:
        for sample in samples:
            check_sample(cfg, sample, getattr(dataset, 'ignore_index', None))
        head = cfg.model.decode_head
        assert len(dataset.metainfo['classes']) == head.num_classes
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    training = which == 'train_dataloader'
    for sample in [samples] if training else [[sample] for sample in samples]:
        ready = preprocessor(loader.collate_fn(sample), training)
        photos = ready['inputs']
        if cfg.default_scope == 'mmagic':
            photos = photos['img_photo']
        assert photos.dtype == torch.float32
        # Online, photos are black until they are painted here.
        assert all(channel.std() > 0.01 for photo in photos for channel in photo)


def check_sample(cfg, sample, ignore_index=None):
    photo, labels = sample['inputs'], sample['data_samples'].gt_sem_seg.data
    head = cfg.model.decode_head
    assert photo.dtype == torch.uint8
    ignored = {head.get('ignore_index', 255), ignore_index}
    found = set(labels.unique().tolist()) - ignored
    assert found <= set(range(head.num_classes))
    assert len(found) > 1


def check_pair(cfg, inputs):
    encoder = cfg.model.label_encoder
    labels = inputs['img_label']
    found = set(labels.unique().tolist()) - {encoder.ignore_index}
    assert found <= set(range(encoder.num_classes))
    assert ('img_instance' in inputs) == encoder.get('edges', False)
    assert inputs['img_photo'].shape[-2:] == labels.shape[-2:]
    assert all(side <= limit for side, limit in zip(labels.shape[-2:], cfg.scale[::-1]))


_checked = set()


def first_time(*settings):
    """Many configs share their data: one and the same setting is checked once."""
    key = repr(settings)
    return key not in _checked and not _checked.add(key)


@pytest.mark.parametrize(
    'path',
    [path for path in CONFIGS if path.parent.name == 'harmonizer'],
    ids=lambda path: path.stem,
)
def test_data_of_a_harmonizer_are_loaded_and_it_takes_them(path):
    cfg = Config.fromfile(path)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    set_random_seed(0)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
        model = MODELS.build(dict(cfg.model, channels=4))
        losses = model(**next(iter(loader)), mode='loss')
    assert len(loader.dataset.metainfo['classes']) == cfg.model.num_classes
    assert cfg.model.get('ignore_index', 255) == loader.dataset.ignore_index
    assert losses['loss_region'] > 0


@pytest.mark.parametrize(
    'path',
    [path for path in CONFIGS if path.parent.name != 'harmonizer'],
    ids=lambda path: path.stem,
)
def test_data_of_a_config_are_loaded(path):
    cfg = Config.fromfile(path)
    preprocessor = cfg.model.data_preprocessor
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        for which in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            if cfg.get(which) and first_time(cfg[which], preprocessor):
                check_loader(cfg, which)
        if 'tta_pipeline' in cfg:
            dataset = dict(cfg.test_dataloader.dataset, pipeline=cfg.tta_pipeline)
            if first_time(dataset):
                sample = DATASETS.build(dataset)[0]
                assert len(sample['inputs']) == len(sample['data_samples']) > 1
        for hook in cfg.get('custom_hooks', []):
            HOOKS.build(hook)


@pytest.mark.parametrize(('matrix', 'method'), changed_methods())
def test_data_of_a_compared_method_are_loaded(matrix, method, tmp_path):
    stated = matrix['methods'][method]
    for option in stated['cfg_options'] if isinstance(stated, dict) else ():
        if option.split('.')[0] not in BUILT:
            setting = Config.fromfile(ROOT / stated['config'])
            for key in option.split('.'):
                setting = setting[int(key) if key.isdigit() else key]
    # A matrix is read whole, and needs a method of this name: one is enough.
    alone = {key: matrix[key] for key in ('protocol', 'seeds')}
    alone['methods'] = {'plain': stated}
    (tmp_path / 'matrix.json').write_text(json.dumps(alone))
    cfg = MethodComparison(tmp_path / 'matrix.json').methods['plain']
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        if first_time(cfg.train_dataloader, cfg.model.data_preprocessor):
            check_loader(cfg, 'train_dataloader')
        for hook in cfg.get('custom_hooks', []):
            HOOKS.build(hook)


@pytest.mark.parametrize(
    'path',
    [path for path in MATRICES if 'test_options' in yaml.safe_load(path.read_text())],
    ids=lambda path: path.stem,
)
def test_other_data_to_evaluate_on_are_loaded(path):
    comparison = MethodComparison(path)
    cfg = comparison.test_config(Cell('plain', 0))
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        check_loader(cfg, 'test_dataloader')
    ignored = cfg.test_dataloader.dataset.get('ignore_index', 11)
    assert cfg.test_evaluator.ignore_index == ignored
    trained = next(
        p for p in MATRICES if p.name == yaml.safe_load(path.read_text())['_base_']
    )
    assert yaml.safe_load(trained.read_text())['protocol'] == comparison.trained_as
