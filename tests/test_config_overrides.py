import pytest
from mmengine.config import Config

from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.safe_configs import read_config


def config():
    generated = dict(type='GANRecomposeDataset', ratio=1.0)
    crop = [dict(type='RandomCrop', crop_size=(8, 8))]
    return Config(
        dict(
            generated=generated,
            pipeline=crop,
            mine=dict(rate=3),
            model=dict(type='A', depth=2),
            train_dataloader=dict(
                dataset=dict(datasets=[dict(type='B', pipeline=crop), generated])
            ),
            test_dataloader=dict(dataset=dict(type='B', pipeline=crop)),
        )
    )


def test_what_is_built_is_changed():
    cfg = config()
    override(cfg, {'model.depth': 5, 'train_dataloader.dataset.datasets.1.ratio': 3})
    assert cfg.model.depth == 5
    assert cfg.train_dataloader.dataset.datasets[1].ratio == 3
    override(cfg, None)


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'generated.ratio': 3},
            r'set train_dataloader\.dataset\.datasets\.1\.ratio$',
        ),
        (
            {'pipeline.0.crop_size': (4, 4)},
            r'datasets\.0\.pipeline\.0\.crop_size and test_dataloader\.dataset\.'
            r'pipeline\.0\.crop_size$',
        ),
        ({'generated': {}}, r'set train_dataloader\.dataset\.datasets\.1$'),
    ],
)
def test_a_copied_variable_is_refused_and_nothing_changes(options, message):
    cfg = config()
    with pytest.raises(ValueError, match=message):
        override(cfg, {'model.depth': 5, **options})
    assert cfg.to_dict() == config().to_dict()


@pytest.mark.parametrize(
    'key, message',
    [
        ('modle.depth', 'reads modle, .* did you mean model'),
        ('zzz', 'reads zzz, so that this would change nothing$'),
        ('mine.rate', 'mine is a variable .* would change nothing$'),
        (
            'folder',
            r'folder is .*: set train_dataloader\.dataset\.datasets\.0\.folder$',
        ),
    ],
)
def test_what_changes_nothing_that_is_built_is_refused(key, message):
    cfg = config()
    cfg.folder = cfg.train_dataloader.dataset.datasets[0].folder = 'data/a'
    with pytest.raises(ValueError, match=message):
        override(cfg, {key: 7})


@pytest.mark.parametrize(
    'key', ['custom_imports.imports', 'train_cfg.max_iters', 'randomness.seed']
)
def test_settings_of_runner_and_tools_are_changed(key):
    cfg = config()
    override(cfg, {key: 1})
    name, part = key.split('.')
    assert cfg[name][part] == 1


BASE = """
generated = dict(type='GANRecomposeDataset', ratio=1.0)
train_dataloader = dict(dataset=dict(datasets=[dict(type='B'), generated]))
"""


@pytest.mark.parametrize('between', [False, True])
def test_a_config_that_changes_a_copied_variable_is_refused(between, tmp_path):
    (tmp_path / 'base.py').write_text(BASE)
    text = "_base_ = './base.py'\ngenerated = dict(ratio=3)\n"
    (tmp_path / 'child.py').write_text(text)
    if between:
        (tmp_path / 'grandchild.py').write_text("_base_ = './child.py'\nmine = [1]\n")
    path = tmp_path / ('grandchild.py' if between else 'child.py')
    message = (
        r'child\.py: generated is changed.* train_dataloader\.dataset\.datasets\.1'
    )
    with pytest.raises(ValueError, match=message):
        override(read_config(path), None)


def test_a_config_that_uses_the_variable_it_changes_is_taken(tmp_path):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'child.py').write_text(
        "_base_ = './base.py'\ngenerated = dict(_base_.generated, ratio=3)\n"
        "train_dataloader = dict(dataset=dict(datasets=[dict(type='B'), generated]))\n"
        'unused = dict(ratio=3)\n'
    )
    cfg = read_config(tmp_path / 'child.py')
    override(cfg, None)
    assert cfg.train_dataloader.dataset.datasets[1].ratio == 3
