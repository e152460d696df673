"""The fidelity of a trained generator, measured by the tool and read by its users."""

import json
import math
import runpy
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from PIL import Image
from torch import nn

from mmseg_ganaug.evaluation import comparison_table, load_results
from mmseg_ganaug.experiments.fidelity import fidelity_json
from mmseg_ganaug.synthesis.painting_choice import load_class_fidelity

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ('road', 'pole', 'rider')
PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200]]
SIZE = (16, 24)


@MODELS.register_module()
class ColoursThemselves(nn.Module):
    """A backbone that passes the photo on."""

    def forward(self, inputs):
        return (inputs,)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Data, a segmenter that sees colours, a generator that was not trained."""
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ('images', 'annotations'):
        Path('data', folder).mkdir(parents=True)
    for index in range(5):
        label_map = np.full(SIZE, index % 2, np.uint8)
        label_map[4:12, 4:12] = 2
        label_map[:2] = 9
        photo = np.array([*PALETTE, *[[0, 0, 0]] * 7], np.uint8)[label_map]
        photo = np.clip(photo + rng.integers(0, 9, photo.shape), 0, 255)
        Image.fromarray(photo.astype(np.uint8)).save(f'data/images/{index}.png')
        Image.fromarray(label_map).save(f'data/annotations/{index}.png')

    source = dict(
        type='BaseSegDataset',
        data_root='data',
        data_prefix=dict(img_path='images', seg_map_path='annotations'),
        img_suffix='.png',
        ignore_index=9,
        metainfo=dict(classes=CLASSES, palette=PALETTE),
        pipeline=[],
    )
    segmenter = dict(
        model=dict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor', bgr_to_rgb=True),
            backbone=dict(type='ColoursThemselves'),
            decode_head=dict(
                type='FCNHead',
                in_channels=3,
                channels=3,
                num_convs=0,
                concat_input=False,
                num_classes=3,
                ignore_index=9,
            ),
            test_cfg=dict(mode='whole'),
        ),
        test_pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSegInputs')],
        val_dataloader=dict(dataset=source),
    )
    weights = {
        'decode_head.conv_seg.weight': torch.eye(3)[:, :, None, None],
        'decode_head.conv_seg.bias': torch.zeros(3),
    }
    Config(segmenter).dump('segmenter.py')
    torch.save(weights, 'segmenter.pth')

    generator = Config(
        dict(
            default_scope='mmagic',
            scale=(12, 8),
            model=dict(
                type='Pix2PixHD',
                label_encoder=dict(num_classes=3, ignore_index=255),
                generator=dict(
                    type='Pix2PixHDGlobalGenerator',
                    base_channels=4,
                    num_downsamples=1,
                    num_blocks=1,
                ),
            ),
            train_dataloader=dict(
                dataset=dict(type='LabelToImageDataset', scale=(12, 8))
            ),
        )
    )
    generator.dump('generator.py')
    from mmagic.registry import MODELS as MMAGIC_MODELS

    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MMAGIC_MODELS.build(generator.model)
    torch.save(model.state_dict(), 'generator.pth')

    mixed = dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddSingle', classes=['rider']),
        generator=dict(config='another.py', checkpoint='another.pth'),
        num_samples=4,
        cache_dir='cache',
    )
    Config(dict(train_dataloader=dict(dataset=mixed))).dump('mixed.py')
    return tmp_path


def run_tool(*arguments):
    argv = sys.argv
    sys.argv = [
        'generator_fidelity.py',
        'generator.py',
        'generator.pth',
        'segmenter.py',
        'segmenter.pth',
        *map(str, arguments),
    ]
    try:
        tool = ROOT / 'tools' / 'analysis_tools' / 'generator_fidelity.py'
        runpy.run_path(str(tool), run_name='__main__')
    finally:
        sys.argv = argv


def test_the_tool_measures_real_and_generated_photos(files):
    run_tool('--out', 'out/fidelity.json', '--batch-size', 2, '--rows', 3)

    real, generated = load_results('out/fidelity.json')
    assert (real.method, generated.method) == ('real', 'generated')
    assert real.mIoU == real.aAcc == 100
    assert generated.mIoU < 100
    fidelity = load_class_fidelity('out/fidelity.json')
    assert fidelity == {
        name: pytest.approx(generated.per_class_iou[name] / 100, abs=1e-4)
        for name in CLASSES
    }
    assert 'generated' in comparison_table([real, generated]).to_markdown()
    sheet = Image.open('out/fidelity_generated.png')
    assert sheet.width > 5 * 256 and sheet.height > 3 * 170


def test_the_tool_measures_the_samples_that_a_config_trains_on(files):
    run_tool('--out', 'fidelity.json', '--recomposed', 'mixed.py', '--num-samples', 3)

    real, _, recombined = load_results('fidelity.json')
    assert recombined.method == 'recombined'
    fidelity = load_class_fidelity('fidelity.json')
    assert fidelity['rider'] == pytest.approx(
        recombined.per_class_iou['rider'] / real.per_class_iou['rider'], abs=1e-4
    )
    assert len(list(Path('cache').rglob('images/*.png'))) == 4
    assert Path('fidelity_recombined.png').is_file()


def test_no_rows_are_no_contact_sheet(files):
    run_tool('--out', 'out/fidelity.json', '--rows', 0)
    assert [path.name for path in Path('out').iterdir()] == ['fidelity.json']


@pytest.fixture
def holes(files):
    """The generator paints holes in photos, where the mixed config paints them."""
    from mmagic.registry import MODELS as MMAGIC_MODELS

    generator = Config.fromfile('generator.py')
    generator.model.context = dict(grow=0)
    generator.dump('generator.py')
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MMAGIC_MODELS.build(generator.model)
    torch.save(model.state_dict(), 'generator.pth')
    mixed = Config.fromfile('mixed.py')
    mixed.train_dataloader.dataset.composite = 'changed'
    # Riders lie at one place: there, nothing would change.
    mixed.train_dataloader.dataset.recomposer.classes = ['pole']
    mixed.train_dataloader.dataset.generator.repaint = 'changed'
    mixed.dump('mixed.py')


def test_of_a_painter_of_holes_the_recombined_samples_are_measured(holes):
    run_tool('--out', 'fidelity.json', '--recomposed', 'mixed.py')

    real, recombined = load_results('fidelity.json')
    assert (real.method, recombined.method) == ('real', 'recombined')
    assert real.mIoU == 100 > recombined.mIoU
    fidelity = load_class_fidelity('fidelity.json')
    assert fidelity['pole'] == pytest.approx(
        recombined.per_class_iou['pole'] / 100, abs=1e-4
    )
    assert not Path('fidelity_generated.png').exists()


def test_a_painter_of_holes_is_refused_alone_before_anything_is_loaded(holes):
    Path('generator.pth').unlink()
    with pytest.raises(SystemExit, match=r'paints holes in photos.*--recomposed'):
        run_tool('--out', 'fidelity.json')


def test_the_tool_refuses_a_config_without_generated_samples(files):
    Config(dict(train_dataloader=dict(dataset=dict(type='A')))).dump('plain.py')
    with pytest.raises(SystemExit, match='no GANRecomposeDataset'):
        run_tool('--out', 'fidelity.json', '--recomposed', 'plain.py')
    assert not Path('fidelity.json').exists()


def test_samples_of_real_pixels_are_refused_before_anything_is_loaded(files):
    mixed = Config.fromfile('mixed.py')
    mixed.train_dataloader.dataset.pop('generator')
    mixed.dump('pasted.py')
    Path('generator.pth').unlink()
    with pytest.raises(SystemExit, match=r'pasted\.py has no generator'):
        run_tool('--out', 'fidelity.json', '--recomposed', 'pasted.py')


def numbers(iou, real):
    figures = {'mIoU': iou, 'aAcc': 90.0, 'real_mIoU': real, 'real_aAcc': 95.0}
    for name, ratio in (('road', 0.8), ('pole', math.nan)):
        figures[f'IoU.{name}'], figures[f'real_IoU.{name}'] = iou, real
        figures[f'ratio_IoU.{name}'] = ratio
    return figures


def test_fidelity_is_read_as_it_was_saved(tmp_path):
    measured = {'generated': numbers(40.0, 50.0)}
    text = fidelity_json(measured, ['road', 'pole'], 'toy', {'note': 1})
    (tmp_path / 'f.json').write_text(text)

    fidelity = load_class_fidelity(tmp_path / 'f.json')

    assert fidelity['road'] == 0.8 and math.isnan(fidelity['pole'])
    assert [run.mIoU for run in load_results(tmp_path / 'f.json')] == [50.0, 40.0]


def test_a_missing_fidelity_file_says_how_to_measure():
    with pytest.raises(FileNotFoundError, match=r'none\.json.*ganaug fidelity'):
        load_class_fidelity('none.json')


@pytest.mark.parametrize(
    'content',
    ['', '[]', '{}', '{"fidelity": {}}', '{"fidelity": {"a": -1}}', '{"fidelity": 3}'],
)
def test_a_file_without_fidelity_is_named(tmp_path, content):
    (tmp_path / 'wrong.json').write_text(content)
    with pytest.raises(ValueError, match=r'wrong\.json holds'):
        load_class_fidelity(tmp_path / 'wrong.json')


def test_figures_of_the_file_are_plain_json():
    text = fidelity_json({'a': numbers(1.0, 2.0)}, ['road', 'pole'], 'p', {})
    content = json.loads(text, parse_constant=pytest.fail)
    assert content['fidelity'] == {'road': 0.8, 'pole': None}
