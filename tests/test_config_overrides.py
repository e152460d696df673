import pytest
from mmengine.config import Config

from mmseg_ganaug.config_overrides import override


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
    [('modle.depth', 'did you mean model'), ('mine.rate', 'reads mine$')],
)
def test_what_nothing_reads_is_changed_with_a_warning(key, message):
    cfg = config()
    with pytest.warns(UserWarning, match=message):
        override(cfg, {key: 7})
    name, part = key.split('.')
    assert cfg[name][part] == 7


@pytest.mark.parametrize(
    'key', ['custom_imports.imports', 'train_cfg.max_iters', 'randomness.seed']
)
def test_settings_of_runner_and_tools_give_no_warning(key, recwarn):
    override(config(), {key: 1})
    assert not recwarn.list
