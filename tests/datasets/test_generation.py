"""Samples of a plan are made by whatever generator a config names."""

import importlib
import sys

import cv2
import numpy as np
import pytest
from documents import ROOT, Document
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS

from mmseg_ganaug.datasets.generation import sample_ids
from mmseg_ganaug.registry import GENERATORS

COLOURS = [[90, 90, 90], [0, 0, 200], [200, 0, 0], [0, 200, 0]]


def build(config):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(config)


def bytes_of(dataset):
    return [
        tuple(cv2.imread(info[key], cv2.IMREAD_UNCHANGED).tobytes() for key in keys)
        for keys in [('img_path', 'seg_map_path')]
        for info in map(dataset.get_data_info, range(len(dataset)))
    ]


@pytest.fixture
def documented(generated, tmp_path, monkeypatch):
    """The generated data set, painted by the example of the documentation."""
    blocks = Document(ROOT / 'docs' / 'generators.md').blocks
    (example,) = (b.text for b in blocks if b.text.startswith('# your_painter.py'))
    assert len(example.splitlines()) <= 35
    (tmp_path / 'modules').mkdir()
    (tmp_path / 'modules' / 'your_painter.py').write_text(example)
    monkeypatch.syspath_prepend(tmp_path / 'modules')
    importlib.import_module('your_painter')
    generated['generator'] = dict(type='YourPainter', colours=COLOURS)
    yield generated
    GENERATORS.module_dict.pop('YourPainter')
    sys.modules.pop('your_painter')


@pytest.mark.parametrize('composite', ['full', 'changed'])
def test_the_example_of_the_documentation_paints(documented, composite):
    dataset = build(dict(documented, composite=composite))
    plan, _ = dataset.plan()
    source = dataset.label_source()
    for number, recipe in enumerate(plan):
        info = dataset.get_data_info(number)
        photo = cv2.imread(info['img_path'])
        labels = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        changed = labels != source.label_map(recipe.base)
        real = source.photo(recipe.base)
        if composite == 'full':
            np.testing.assert_array_equal(photo[~changed], real[~changed])
            colours = np.array(COLOURS)[labels[changed], ::-1]
            assert abs(photo[changed] - colours).mean() < 15
        else:
            assert (photo[changed] != real[changed]).any()


def test_the_same_samples_again_and_others_where_photos_or_options_differ(
    documented, tmp_path
):
    first = build(documented)
    again = build(dict(documented, cache_dir=str(tmp_path / 'other'), batch_size=3))
    assert bytes_of(first) == bytes_of(again)
    folder = first.store().folder
    noisy = dict(documented, generator=dict(documented['generator'], noise=2.0))
    assert build(noisy).store().folder != folder
    # The painter sees the photos of the data set.
    assert cv2.imwrite(str(tmp_path / 'img' / '0.png'), np.ones((24, 32, 3), np.uint8))
    assert build(documented).store().folder != folder


def test_several_photos_of_one_map_differ(documented):
    options = dict(num_samples=5, composite='full')
    dataset = build(dict(documented, photos_per_map=2, **options))
    samples = bytes_of(dataset)
    assert len(samples) == 5
    for number in (0, 2):
        (photo, label_map), (other, same) = samples[number : number + 2]
        assert label_map == same and photo != other
    assert len({label_map for _, label_map in samples}) == 3
    # As many maps as without: the first are the same.
    plain = build(dict(documented, **dict(options, num_samples=3)))
    assert [m for _, m in bytes_of(plain)] == [m for _, m in samples[::2]]


def test_several_photos_of_one_map_need_a_generator_that_draws(generated):
    with pytest.raises(ValueError, match=r"photos_per_map=2.*looks='drawn'"):
        build(dict(generated, photos_per_map=2))


def test_a_generator_that_sees_photos_need_not_draw(documented):
    GENERATORS.get('YourPainter').draws = False
    with pytest.raises(ValueError, match='generator YourPainter draws nothing'):
        build(dict(documented, photos_per_map=2))


@pytest.mark.parametrize('kind', ['AddSingle', 'AddMulti'])
def test_a_painter_of_holes_is_refused_where_there_are_none(documented, kind):
    GENERATORS.get('YourPainter').paints_shown = False
    documented['recomposer'] = dict(type=kind)
    message = f"YourPainter paints what no photo.*{kind}.*repaint='changed'.*'Recon'"
    for composite in ('full', dict(mode='changed', windows=True)):
        with pytest.raises(ValueError, match=message):
            build(dict(documented, composite=composite))
    # Real pixels are not painted over in any case; Recon leaves holes.
    build(dict(documented, composite='real', num_samples=1))
    recon = dict(documented, recomposer=dict(type='Recon'), num_samples=1)
    assert len(build(recon)) == 1


def test_another_number_of_classes_is_an_error_before_anything_is_made(documented):
    documented['generator']['colours'] = COLOURS[:3]
    with pytest.raises(ValueError, match='4 classes, but the generator YourPainter'):
        build(documented)


def test_ids_name_plan_label_files_and_scale(generated, tmp_path):
    def ids(**options):
        dataset = build(dict(generated, lazy_init=True, **options))
        return sample_ids(dataset.plan()[0], dataset.label_source())

    first = ids()
    assert len(set(first)) == 10
    assert [name[12:] for name in first] == [f'-{i:06d}' for i in range(10)]
    assert ids() == first == ids(generator=None, filters=[dict(type='LossFilter')])
    others = [ids(seed=1), ids(scale=(16, 12)), ids(num_samples=9)]
    path = str(tmp_path / 'ann' / '0.png')
    labels = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    labels[-1, -1] = 1 - labels[-1, -1]
    assert cv2.imwrite(path, labels)
    others.append(ids())
    assert len({first[0][:12], *(other[0][:12] for other in others)}) == 5
