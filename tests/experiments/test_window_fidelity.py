"""Windows of painters on held-out photos, and what is measured of them."""

import json
import runpy
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from painters import GreyPainter
from PIL import Image

from mmseg_ganaug.datasets import DatasetLabelSource, build_source
from mmseg_ganaug.evaluation.perception import Perception
from mmseg_ganaug.experiments.painters import WindowMaker, build_painters
from mmseg_ganaug.experiments.window_fidelity import (
    MASK_ALONE,
    measure_windows,
    photo_rows,
    window_rows,
    windows_table,
)
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.compositing import build_compositing

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ('road', 'car', 'tree')
GREY = (60, 130, 200)
PALETTE = [[grey] * 3 for grey in GREY]


@GENERATORS.register_module(force=True)
class Copycat(GreyPainter):
    """Paints each class in the grey of the photos."""

    def paint(self, label_maps, instance_maps=None):
        return np.array([*GREY, *[0] * 253], np.uint8)[label_maps][..., None].repeat(
            3, axis=-1
        )


@GENERATORS.register_module(force=True)
class SeeingCopycat(Copycat):
    """Copies what photos show, and paints the rest."""

    uses_context = True

    def paint(self, labels, instances=None, context=None):
        assert len(set(context.ids)) == len(labels)
        flat = super().paint(labels)
        return np.where(context.shown[..., None], context.photos, flat)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp('held_out')
    rng = np.random.default_rng(0)
    for name in ('img', 'ann'):
        (folder / name).mkdir()
    for index in range(12):
        label_map = np.zeros((80, 96), np.uint8)
        label_map[:20, : rng.integers(30, 60)] = 2
        y, x = rng.integers(30, 55), rng.integers(10, 60)
        label_map[y : y + 16, x : x + 20] = 1
        noise = rng.integers(-25, 25, (80, 96, 3))
        photo = np.array(GREY)[label_map][..., None] + noise
        Image.fromarray(photo.astype(np.uint8)).save(folder / f'img/{index:02}.png')
        Image.fromarray(label_map).save(folder / f'ann/{index:02}.png')
    config = dict(
        type='BaseSegDataset',
        data_root=str(folder),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(classes=CLASSES, palette=PALETTE),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
    )
    Config(dict(val_dataloader=dict(dataset=config))).dump(folder / 'held_out.py')
    with DefaultScope.overwrite_default_scope('mmseg'):
        found = DatasetLabelSource(build_source(config))
    found.folder = folder
    return found


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'features.pth'
    network = EfficientNetLite(out_indices=(0, 1, 2, 3))
    torch.save(network.timm_model.state_dict(), path)
    return str(path)


@pytest.fixture(scope='module')
def maker(source, tmp_path_factory):
    flat, seeing = Copycat(), dict(type='SeeingCopycat')
    painters = build_painters(
        dict(flat=dict(generator=flat), seeing=dict(generator=seeing)),
        CLASSES,
        PALETTE,
    )
    cache = str(tmp_path_factory.mktemp('cache'))
    return WindowMaker(source, painters, cache)


@pytest.fixture(scope='module')
def made(maker):
    return maker.make(per_class=8, num_shown=3, classes=['car', 'tree'])


def test_all_painters_make_the_same_objects(made):
    windows, _ = made
    assert set(windows.classes) == {1, 2} and set(windows.halves) == {0, 1}
    assert list(windows.laid) == ['real', 'blurred', 'flat', 'seeing']
    assert list(windows.restored) == ['blurred', 'flat', 'seeing']
    masks = windows.laid['real'][..., 3]
    for laid in windows.laid.values():
        assert laid.shape == windows.real.shape
        assert np.array_equal(laid[..., 3], masks)
    cars = windows.classes == 1
    inside = masks[cars] == 255
    spread = {name: laid[cars][inside, :3].std() for name, laid in windows.laid.items()}
    assert spread['real'] > 2 * spread['blurred'] > 0


@pytest.mark.parametrize('unseen', [(0,), (5,), range(6)], ids=str)
def test_samples_to_look_at_are_found_where_others_are_not_to_be_seen(
    maker, monkeypatch, unseen
):
    planned, make = maker._plan(8, ['car']), maker._windows

    def some(plan):
        return None if plan.id in [planned[i].id for i in unseen] else make(plan)

    monkeypatch.setattr(maker, '_windows', some)
    windows, shown = maker.make(per_class=8, num_shown=8, classes=['car'])
    assert len(windows.classes) == len(shown) == len(planned) - len(unseen)
    assert not maker.make(per_class=8, num_shown=0, classes=['car'])[1]


def test_no_photo_is_of_both_halves(maker):
    counts = np.zeros((len(CLASSES), 2), int)
    for plan in maker._plan(8, ['car', 'tree']):
        halves = {maker._half(index) for index in plan.recipe.maps}
        assert len(halves) == 1
        counts[plan.class_id, halves.pop()] += 1
    assert counts[1].tolist() == [4, 4] and 0 < counts[2].max() <= 4


def test_a_painter_of_context_sees_what_is_laid_and_not_what_is_restored(made):
    windows, _ = made
    cars = windows.classes == 1

    def car(found):
        """Pixels of the first car."""
        window = found['seeing'][cars][0]
        return window[window[..., 3] == 255, :3].astype(float)

    # The noise of real pixels in one, flat paint of its class in the other.
    assert car(windows.laid).std(axis=0).mean() > 10
    assert car(windows.restored).std(axis=0).mean() < 3
    assert abs(car(windows.restored).mean() - GREY[1]) < 20


def test_at_its_own_place_only_the_object_is_made_again(made):
    windows, _ = made
    own = windows.real[..., 3] > 0
    for again in windows.restored.values():
        assert np.array_equal(again[..., 3], windows.real[..., 3])
        far = np.zeros_like(own)
        far[:, :8] = far[:, -8:] = True
        far &= ~own
        # Fading takes two pixels around the object.
        equal = (again == windows.real).all(axis=3)
        assert equal[far].mean() > 0.9
        assert not equal[own].all()


def test_figures_of_classes_and_painters_are_json(made, weights):
    windows, _ = made
    figures = measure_windows(
        windows, CLASSES, Perception(weights, 'cpu'), iterations=2
    )
    assert figures['features'] == 'EfficientNet-Lite0'
    found = json.loads(json.dumps(figures, allow_nan=False))['classes']
    assert list(found) == ['all classes', *CLASSES]
    assert found['road']['real'] == {'windows': 0}
    assert {*windows.laid, MASK_ALONE} == set(found['car'])
    for name, row in found['car'].items():
        assert row['windows'] == (windows.classes == 1).sum()
        assert 0 <= row['detected'] <= 100
        assert ('distance' in row) == (name in windows.restored)
    total = found['all classes']
    assert total['flat']['distance'] > total['blurred']['distance'] > 0
    text = windows_table(figures).to_text()
    assert 'car: flat' in text and 'FID (EfficientNet-Lite0)' in text


def test_sheets_show_all_painters(made):
    windows, shown = made
    assert len(shown) == 3
    row = photo_rows(shown, CLASSES)[0]
    assert list(row.cells) == ['base', 'label map', *windows.laid]
    rows = window_rows(windows, CLASSES, per_class=2)
    assert [row.caption for row in rows] == ['car', 'car', 'tree', 'tree']
    assert len(rows[0].cells) == 1 + 4 + 3


def test_a_control_is_no_other_painter():
    with pytest.raises(ValueError, match="'real' is a control"):
        build_painters(
            dict(real=dict(generator=dict(type='RealPixels'))), CLASSES, PALETTE
        )


def test_no_object_is_named(source, tmp_path):
    maker = WindowMaker(source, build_painters({}, CLASSES, PALETTE), str(tmp_path))
    with pytest.raises(ValueError, match='no object can be laid'):
        maker.make(per_class=0, num_shown=1)


def test_painters_of_a_config_file_are_built(tmp_path):
    (tmp_path / 'p.py').write_text(
        "painters = dict(soft=dict(generator=dict(type='BlurredPixels', sigma=0.1)))"
    )
    painters = build_painters(
        Config.fromfile(tmp_path / 'p.py').painters, CLASSES, PALETTE
    )
    assert painters['soft'].compositing.mode == 'real'
    with pytest.raises(ValueError, match='generator'):
        build_painters(dict(a=dict(composite='real')), CLASSES, PALETTE)


def test_photos_smaller_than_a_window_are_refused(source, tmp_path):
    small = DatasetLabelSource(source._dataset, (60, 70))
    with pytest.raises(ValueError, match=r'64 x 64 .* has 60'):
        WindowMaker(small, build_painters({}, CLASSES, PALETTE), str(tmp_path))


@pytest.fixture
def run_tool(source, weights, tmp_path, monkeypatch):
    """Calls the tool with a generator that was not trained."""
    from mmagic.registry import MODELS

    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())
    monkeypatch.chdir(tmp_path)
    network = dict(
        type='Pix2PixHDGlobalGenerator',
        base_channels=4,
        num_downsamples=1,
        num_blocks=1,
    )
    model = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=3, ignore_index=255),
        generator=network,
    )

    def run(*arguments, **options):
        merged = {**model, **options}
        config = dict(default_scope='mmagic', scale=(96, 80), model=merged)
        Config(config).dump('generator.py')
        with DefaultScope.overwrite_default_scope('mmagic'):
            torch.save(MODELS.build(merged).state_dict(), 'generator.pth')
        tool = ROOT / 'tools' / 'analysis_tools' / 'generator_fidelity.py'
        argv = [tool.name, 'generator.py', 'generator.pth', '--features', weights]
        monkeypatch.setattr(sys, 'argv', [*argv, *map(str, arguments)])
        runpy.run_path(str(tool), run_name='__main__')

    return run


def test_the_tool_writes_what_auto_decides_by(run_tool, source, capsys):
    Path('more.py').write_text(
        "painters = dict(soft=dict(generator=dict(type='BlurredPixels', sigma=0.1)))"
    )
    run_tool(
        *('--windows', '--dataset', source.folder / 'held_out.py'),
        *('--painters', 'more.py', '--per-class', 24, '--iters', 1),
        *('--rows', 2, '--out', 'out/figures.json'),
    )
    found = json.loads(Path('out/figures.json').read_text())
    assert set(found) == {'windows'}
    assert found['windows']['generator'] == 'generator.py'
    car = found['windows']['classes']['car']
    assert {'real', 'blurred', 'painted', 'painted windows', 'soft'} < set(car)
    assert 'car: painted windows' in capsys.readouterr().out
    for kind in ('photos', 'windows'):
        assert Image.open(f'out/figures_{kind}.png').width > 6 * 256
    way = build_compositing(dict(mode='auto', fidelity='out/figures.json'), CLASSES)
    # The generator was not trained: real pixels look better.
    assert car['painted']['windows'] >= 20 and not way.paintable[1]


def test_figures_are_written_before_a_sheet_and_without_one(
    run_tool, source, monkeypatch
):
    arguments = ('--windows', '--dataset', source.folder / 'held_out.py', '--iters', 0)
    arguments = (*arguments, '--per-class', 4, '--out', 'figures.json', '--rows', 0)

    def no_font(*args):
        raise OSError('no font')

    monkeypatch.setattr('mmseg_ganaug.visualization.recomposition_gallery', no_font)
    with pytest.raises(SystemExit, match='no font'):
        run_tool(*arguments)
    assert json.loads(Path('figures.json').read_text())['windows']


def test_a_generator_that_sees_photos_paints_what_was_laid(run_tool, source):
    files = dict(config='generator.py', checkpoint='generator.pth')
    composite = dict(mode='changed', windows=True)
    Path('more.py').write_text(
        f'painters = dict(kept=dict(generator={files}, composite={composite}))'
    )
    run_tool(
        *('--windows', '--dataset', source.folder / 'held_out.py'),
        *('--painters', 'more.py', '--per-class', 8, '--iters', 0),
        *('--out', 'figures.json'),
        context={},
    )
    car = json.loads(Path('figures.json').read_text())['windows']['classes']['car']
    # By itself, it paints what no photo shows: of this, nothing.
    assert car['painted windows']['kid'] != car['kept']['kid']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'name a segmenter, or set --windows'),
        (
            ('--windows', '--dataset', 'a.py', '--recomposed', 'b.py'),
            '--recomposed needs a segmenter',
        ),
        (('segmenter.py', '--windows'), 'a config and a checkpoint'),
        (('--windows',), 'held-out photos by --dataset'),
        (('a.py', 'a.pth', '--painters', 'b.py'), '--painters are for --windows'),
    ],
)
def test_arguments_that_do_not_fit_are_refused(run_tool, capsys, arguments, message):
    with pytest.raises(SystemExit):
        run_tool(*arguments)
    assert message in capsys.readouterr().err
