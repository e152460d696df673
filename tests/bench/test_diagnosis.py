"""Truths that are planted into data are found, and nothing is found where all is well.

The rules of findings.py, label_findings.py and class_facts.py, on whole data sets.
"""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS, TRANSFORMS
from planted_data import (
    BIRD,
    CUP,
    GROUND,
    MODEL,
    NAMES,
    SIZE,
    WALL,
    make_data,
    scene,
    without,
)

from mmseg_ganaug.bench.diagnosis import diagnose
from mmseg_ganaug.bench.finding import BALANCE
from mmseg_ganaug.bench.treatments import TREATMENTS
from mmseg_ganaug.evaluation import RunResult


def kinds(diagnosis):
    return {finding.kind: finding for finding in diagnosis.findings}


@pytest.fixture
def found(tmp_path):
    """Makes data, and returns the findings by kind, and the diagnosis."""

    def diagnosed(**data):
        figures = tmp_path / 'work' / 'figures'
        cfg = make_data(tmp_path, **data)
        diagnosis = diagnose(cfg, tmp_path / 'cache', figures=figures)
        for finding in diagnosis.findings:
            named = {*finding.speaks_for, *finding.speaks_against}
            assert named <= set(TREATMENTS)
            if finding.picture is not None:
                picture = cv2.imread(str(tmp_path / 'work' / finding.picture))
                assert picture is not None and picture.std() > 5
        return kinds(diagnosis), diagnosis

    return diagnosed


def test_nothing_is_found_where_nothing_is_wrong(found):
    findings, diagnosis = found()
    assert not findings
    assert not diagnosis.rare
    assert diagnosis.stride.pixels == 8 and diagnosis.crop == (72, 96)
    assert not diagnosis.note
    bird = diagnosis.classes[BIRD]
    assert bird.photos == 1 and bird.train_photos == bird.objects == 24
    assert bird.val_photos == bird.val_objects == 24
    assert bird.pixels == pytest.approx(44 * 44 / (SIZE[0] * SIZE[1]), rel=0.01)
    # Nothing is resized: the side of the square is what it is.
    assert bird.median_object_pixels == pytest.approx(44)
    assert bird.median_object_cells == pytest.approx(5.5)
    assert bird.interval == pytest.approx(100 * 1.96 * 0.2 / np.sqrt(24), rel=0.01)


def dots(labels, split, index, rng):
    without(labels, BIRD)
    for row in range(70, 94, 8):
        labels[row : row + 3, 10:60:8][:, :1] = BIRD
        labels[row : row + 3, 30:33] = BIRD


def test_objects_below_a_cell_speak_for_larger_crops(found):
    findings, diagnosis = found(edit=dots)
    finding = findings['objects-below-a-cell']
    assert finding.classes == ('bird',)
    # Spots of 0.7 cells were learned by weights alone: no treatment is warned of.
    assert finding.speaks_against == ()
    assert finding.speaks_for == ('larger-crops',)
    assert diagnosis.classes[BIRD].median_object_cells == pytest.approx(3 / 8, abs=0.01)
    # They have fewer than 12 pixels: in a class of such things, they are objects.
    assert diagnosis.classes[BIRD].objects > 3 * 24


def poles(labels, split, index, rng):
    without(labels, BIRD)
    labels[10:90, 20:24] = BIRD


def test_poles_are_narrow_but_not_called_unlearnable(found):
    findings, diagnosis = found(edit=poles)
    assert 'objects-below-a-cell' not in findings
    finding = findings['objects-narrower-than-a-cell']
    assert finding.classes == ('bird',) and not finding.speaks_against
    assert diagnosis.classes[BIRD].median_width_cells == pytest.approx(0.5)


def test_a_class_in_two_val_photos_leaves_its_iou_unsure(found):
    def edit(labels, split, index, rng):
        if split == 'val' and index > 1:
            without(labels, BIRD)

    findings, diagnosis = found(edit=edit)
    assert set(findings) == {'few-val-photos'}
    assert findings['few-val-photos'].classes == ('bird',)
    assert '2 objects in 2 of 24 photos' in findings['few-val-photos'].text
    assert diagnosis.classes[BIRD].interval == pytest.approx(27.7, abs=0.5)
    assert diagnosis.classes[CUP].interval < 10


@pytest.mark.parametrize('missing', ['train', 'val'])
def test_a_class_that_a_split_lacks_is_named(found, missing):
    def edit(labels, split, index, rng):
        if split == missing:
            without(labels, BIRD)

    findings, diagnosis = found(edit=edit)
    assert findings[f'class-missing-in-{missing}'].classes == ('bird',)
    assert 'few-val-photos' not in findings
    if missing == 'val':
        assert diagnosis.classes[BIRD].interval is None
    else:
        assert diagnosis.classes[BIRD].median_object_cells is None


def test_specks_are_found_where_photos_show_nothing_else_of_a_class(found):
    def edit(labels, split, index, rng):
        if index % 2:
            without(labels, CUP)

    def relabel(labels, split, index, rng):
        if index % 2 and split == 'train':
            labels[80, 40] = CUP

    findings, _ = found(edit=edit, relabel=relabel)
    specks = findings['specks']
    assert specks.classes == ('cup',)
    assert '12 of 24 photos show nothing else' in specks.text
    assert '001.png' in specks.text
    # A photo that shows one pixel counts as showing the class.
    assert 'rare-in-photos' not in findings


def test_labels_of_other_photos_are_found(found):
    def relabel(labels, split, index, rng):
        labels[:] = scene(rng)

    findings, _ = found(relabel=relabel)
    off = findings['labels-off-photos']
    assert set(off.classes) >= {'bird', 'cup'}
    assert off.speaks_against == BALANCE


def test_a_single_class_that_lies_elsewhere_than_in_the_photos_is_found(found):
    def edit(labels, split, index, rng):
        labels[:] = GROUND
        labels[88:] = WALL  # at one place in all photos, as a bonnet is
        left = rng.integers(2, 80)
        labels[60:80, left : left + 40] = BIRD

    def relabel(labels, split, index, rng):
        left = rng.integers(2, 80)
        labels[10:40, left : left + 40] = CUP

    findings, _ = found(edit=edit, relabel=relabel)
    assert 'cup' in findings['labels-off-photos'].classes
    assert not {'bird', 'wall'} & set(findings['labels-off-photos'].classes)


def test_a_val_photo_that_is_a_train_photo_is_found(tmp_path):
    cfg = make_data(tmp_path)
    photo = tmp_path / 'train' / 'img' / '005.png'
    shutil.copy(photo, tmp_path / 'val' / 'img' / '011.png')
    (finding,) = diagnose(cfg, tmp_path / 'cache').findings
    assert finding.kind == 'val-photos-in-train'
    assert '1 of 24' in finding.text and '011.png' in finding.text
    assert finding.picture is None


def test_stray_values_are_found_and_all_else_too(found, tmp_path):
    def relabel(labels, split, index, rng):
        if split == 'val' and index == 3:
            labels[:2, :5] = 77

    findings, diagnosis = found(relabel=relabel)
    assert set(findings) == {'stray-values'}
    text = findings['stray-values'].text
    assert '003.png' in text and '77 (10 pixels)' in text
    assert diagnosis.classes[BIRD].val_photos == 24
    # Nothing that was counted without them is kept as the statistics of the data.
    assert len(list((tmp_path / 'cache').glob('statistics-*'))) == 1


def test_rare_in_photos_and_rare_in_pixels_speak_for_other_treatments(found):
    def edit(labels, split, index, rng):
        without(labels, BIRD)
        labels[70:90, 10:34] = BIRD  # 4 % of the pixels, in each photo
        if index % 4:
            without(labels, CUP)

    findings, diagnosis = found(edit=edit)
    assert diagnosis.rare == ['bird', 'cup']
    in_pixels, in_photos = findings['rare-in-pixels'], findings['rare-in-photos']
    assert in_pixels.classes == ('bird',) and in_photos.classes == ('cup',)
    assert 'class-weights-sqrt' in in_pixels.speaks_for
    assert 'rare-class-sampling' in in_pixels.speaks_against
    assert 'rare-class-sampling' in in_photos.speaks_for
    assert findings['few-objects'].classes == ('bird', 'cup')


def test_crops_that_cut_rare_objects_off_speak_for_larger_ones(found):
    def edit(labels, split, index, rng):
        without(labels, BIRD)
        labels[76:84, 4:124] = BIRD

    findings, diagnosis = found(edit=edit, crop=(64, 48))
    assert diagnosis.classes[BIRD].cut_off == 1
    assert findings['cut-off'].classes == ('bird',)
    assert '64 x 48' in findings['cut-off'].text
    findings, _ = found(edit=edit, crop=SIZE)
    assert 'cut-off' not in findings


@pytest.fixture
def always_ground(tmp_path):
    """Weights of a network that sees ground everywhere."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(MODEL)
    with torch.no_grad():
        model.decode_head.conv_seg.weight.zero_()
        model.decode_head.conv_seg.bias[GROUND] = 9
    torch.save(model.state_dict(), tmp_path / 'ground.pth')
    return str(tmp_path / 'ground.pth')


def test_a_network_that_takes_all_for_ground_is_seen_to(tmp_path, always_ground):
    def edit(labels, split, index, rng):
        without(labels, BIRD)
        labels[70:90, 10:34] = BIRD

    cfg = make_data(tmp_path, edit=edit, counts=(24, 12))
    diagnosis = diagnose(cfg, tmp_path / 'cache', always_ground, tmp_path / 'figures')
    finding = kinds(diagnosis)['confused']
    assert finding.classes == ('bird',)
    assert 'bird for ground (100 %' in finding.text
    assert 'class-weights-sqrt' in finding.speaks_for
    assert diagnosis.to_json()['classes'][BIRD]['taken_for'] == [
        {'name': 'ground', 'share': 1.0}
    ]
    # Whatever photos are drawn, its IoU is 0.
    assert diagnosis.classes[BIRD].interval == 0
    assert 'ground.pth' in diagnosis.interval_from


def test_without_headroom_pairs_and_sampling_are_spoken_against(tmp_path):
    shares = []

    def train(share):
        shares.append(share)
        ious = dict.fromkeys(NAMES, 30.0)
        return RunResult('plain', 0, 30.0, 60.0, ious, 'toy')

    cfg = make_data(tmp_path)
    diagnosis = diagnose(cfg, tmp_path / 'cache', headroom=train)
    assert shares == [0.25, 0.5, 1.0]
    finding = kinds(diagnosis)['no-headroom']
    assert {'recon', 'real-pixels', 'rare-class-sampling'} <= {*finding.speaks_against}
    values = diagnosis.to_json()
    assert values['headroom']['photos'] == [6, 12, 24]
    assert values['headroom']['rises'] is False and values['headroom']['rare'] is None


def test_a_diagnosis_is_json_and_the_same_again_from_the_cache(tmp_path):
    cfg = make_data(tmp_path, edit=dots)
    first = diagnose(cfg, tmp_path / 'cache').to_json()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / 'cache').iterdir()}
    assert len(kept) == 4  # statistics and parts of each split
    again = diagnose(cfg, tmp_path / 'cache').to_json()
    assert json.dumps(first, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / 'cache').iterdir()}


@TRANSFORMS.register_module(force=True)
class NeedsPhoto:
    """Fails on a black photo."""

    def __call__(self, results):
        assert results['img'].any(), 'no light'
        return results


def test_a_pipeline_that_cannot_be_followed_is_named_and_the_rest_is_told(tmp_path):
    cfg = make_data(tmp_path)
    cfg.train_dataloader.dataset.pipeline.insert(-1, dict(type='NeedsPhoto'))
    diagnosis = diagnose(cfg, tmp_path / 'cache')
    assert 'NeedsPhoto' in diagnosis.note and 'no light' in diagnosis.note
    assert diagnosis.crop is None and diagnosis.classes[BIRD].cut_off is None
    assert diagnosis.classes[BIRD].median_object_pixels == pytest.approx(44)
    inner = cfg.train_dataloader.dataset
    mixed = dict(type='MultiImageMixDataset', pipeline=[], dataset=inner)
    cfg.train_dataloader.dataset = mixed
    assert 'MultiImageMixDataset' in diagnose(cfg, tmp_path / 'cache').note


@pytest.mark.parametrize('part', ['model', 'train_dataloader', 'val_dataloader'])
def test_a_config_without_a_part_is_refused(tmp_path, part):
    cfg = make_data(tmp_path, counts=(1, 1))
    cfg.pop(part)
    with pytest.raises(ValueError, match=part):
        diagnose(cfg, tmp_path / 'cache')


def test_other_classes_in_val_and_missing_files_are_refused(tmp_path):
    cfg = make_data(tmp_path, counts=(2, 2))
    cfg.val_dataloader.dataset.metainfo = dict(classes=('ground', 'wall'))
    cfg.val_dataloader.dataset.metainfo.pop('palette', None)
    with pytest.raises(ValueError, match='metainfo'):
        diagnose(cfg, tmp_path / 'cache')
    cfg = make_data(tmp_path, counts=(2, 2))
    with pytest.raises(FileNotFoundError, match=r'weights\.pth'):
        diagnose(cfg, tmp_path / 'cache', checkpoint=str(tmp_path / 'weights.pth'))
    shutil.rmtree(tmp_path / 'val')
    with pytest.raises(FileNotFoundError, match='val'):
        diagnose(cfg, tmp_path / 'cache')


@pytest.mark.real_data
def test_camvid_is_diagnosed(real_data, tmp_path):
    root = Path(__file__).resolve().parents[2]
    config = 'pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
    cfg = Config.fromfile(root / 'configs' / config)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(real_data / 'camvid')
    diagnosis = diagnose(cfg, tmp_path / 'cache')
    assert {'pole', 'bicyclist'} <= set(diagnosis.rare)
    findings = kinds(diagnosis)
    assert 'labels-off-photos' not in findings and 'specks' not in findings
    assert findings['objects-narrower-than-a-cell'].classes == ('pole',)
    assert findings['few-val-photos'].classes == ('bicyclist',)
