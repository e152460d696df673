"""Every config parses, builds, and is listed with a name by MMSeg's rule."""

import json
import re
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from mmengine.registry import DefaultScope

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name != '_base_'
)
NAME = re.compile(
    r'^[a-z0-9]+(_[a-z0-9-]+)+_[0-9]+xb[0-9]+-[0-9]+k?_[a-z0-9]+-[0-9]+x[0-9]+$'
)


def test_there_are_configs():
    assert len(CONFIGS) > 10


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_parses_and_its_model_builds(path):
    import torch
    from mmagic.registry import MODELS as MMAGIC_MODELS
    from mmseg.registry import MODELS as MMSEG_MODELS

    cfg = Config.fromfile(path)
    scope = cfg.default_scope
    models = {'mmagic': MMAGIC_MODELS, 'mmseg': MMSEG_MODELS}[scope]
    cfg.model.pop('pretrained', None)
    with DefaultScope.overwrite_default_scope(scope), torch.device('meta'):
        model = models.build(cfg.model)
    assert sum(parameter.numel() for parameter in model.parameters()) > 10_000


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_name_follows_the_rule(path):
    assert NAME.match(path.stem)


def test_metafiles_list_every_config_once():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    listed = [
        model
        for metafile in index['Import']
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']
    ]
    assert sorted(model['Config'] for model in listed) == [
        str(path.relative_to(ROOT)) for path in CONFIGS
    ]
    for model in listed:
        assert Path(model['Config']).stem == model['Name']


def test_shipped_class_weights_are_those_of_one_set_of_label_maps(
    monkeypatch, tmp_path
):
    from mmseg_ganaug.datasets import ClassWeightedCrossEntropyLoss

    folder = Path('configs/_base_/class_weights')
    written = json.loads((ROOT / folder / 'camvid.json').read_text())
    monkeypatch.chdir(tmp_path)
    loss = ClassWeightedCrossEntropyLoss(str(folder / 'camvid_rare.json'))
    assert loss.class_weight == written['class_weight_rare']
    for median, root, weight in zip(
        written['class_weight_median'], written['class_weight_sqrt'], loss.class_weight
    ):
        assert median == pytest.approx(root**2, rel=0.03)
        assert weight == max(root, 1)


def test_every_config_folder_has_a_readme():
    for folder in {path.parent for path in CONFIGS}:
        assert (folder / 'README.md').is_file(), folder


@pytest.mark.parametrize(
    'path',
    [p for p in CONFIGS if re.search('_(add-|recon)(?!-online)', p.stem)],
    ids=lambda path: path.stem,
)
def test_generator_of_a_mixed_config_is_a_config_of_ours_for_its_classes(path):
    cfg = Config.fromfile(path)
    generated = cfg.train_dataloader.dataset.datasets[1]
    generator = Config.fromfile(ROOT / generated.generator.config)
    assert Path(generated.generator.config).stem in generated.generator.checkpoint
    num_classes = cfg.model.decode_head.num_classes
    assert generator.model.label_encoder.num_classes == num_classes
    assert generated.source == cfg.train_dataloader.dataset.datasets[0]
