"""Compositing and filters of a generated data set, from config to files."""

import json

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from painters import ColourPainter
from small_maps import CLASSES

from mmseg_ganaug.registry import FILTERS
from mmseg_ganaug.synthesis import filter_table


@FILTERS.register_module(force=True)
class NoBirds:
    """Ignores birds, and drops samples that show more than a few."""

    def __init__(self, at_most=30):
        self.at_most = at_most

    def fingerprint(self):
        return f'NoBirds {self.at_most}'

    def prepare(self, source, cache_dir):
        self.ignore_index = source.ignore_index

    def apply(self, photo, label_map, generated):
        birds = label_map == CLASSES.index('bird')
        if birds.sum() > self.at_most:
            return None
        return np.where(birds, np.uint8(self.ignore_index), label_map)

    def release(self):
        pass


def build(config):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(config)


def read(info):
    photo = cv2.imread(info['img_path'])
    return photo, cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)


def infos(dataset):
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def test_changed_keeps_the_photo_of_the_base(generated):
    generated['composite'] = dict(mode='changed', feather=0, match_tone=False)
    dataset = build(generated)
    plan, _ = dataset.plan()
    source = dataset.label_source()
    for recipe, info in zip(plan, infos(dataset)):
        photo, labels = read(info)
        base, real = source.label_map(recipe.base), source.photo(recipe.base)
        same = labels == base
        np.testing.assert_array_equal(photo[same], real[same])
        assert (photo[~same] == labels[~same][:, None] * 20).all()


@pytest.mark.parametrize('by_name', [False, True])
def test_auto_paints_what_the_generator_can_paint(generated, tmp_path, by_name):
    figures = tmp_path / 'fidelity.json'
    fidelity = dict(ground=0.9, wall=0.8, bird=0.1, cup=0.7)
    figures.write_text(json.dumps(dict(fidelity=fidelity)))
    classes = dict(painted=['cup']) if by_name else dict(fidelity=str(figures))
    generated['composite'] = dict(mode='auto', feather=0, match_tone=False, **classes)
    dataset = build(generated)
    plan, recomposer = dataset.plan()
    source = dataset.label_source()
    seen = set()
    for recipe, info in zip(plan, infos(dataset)):
        photo, labels = read(info)
        made = recomposer.recompose(recipe, source, with_photo=True)
        bird = made.changed & (labels == 2)
        cup = made.changed & (labels == 3)
        np.testing.assert_array_equal(photo[bird], made.photo[bird])
        assert (photo[cup] == 60).all()
        seen |= {name for name, mask in (('bird', bird), ('cup', cup)) if mask.any()}
    assert seen == {'bird', 'cup'}


def test_windows_of_a_killed_run_end_with_the_same_bytes(generated, tmp_path):
    generated['generator'] = dict(type='ColourPainter')
    generated['composite'] = dict(mode='changed', windows=dict(margin=3, sizes=[9, 12]))
    generated['batch_size'] = 2
    undisturbed = build({**generated, 'cache_dir': str(tmp_path / 'undisturbed')})
    ColourPainter.batches, ColourPainter.dies_after = 0, 5
    with pytest.raises(KeyboardInterrupt):
        build(generated)
    ColourPainter.dies_after = None
    for one, other in zip(infos(build(generated)), infos(undisturbed)):
        for found, wanted in zip(read(one), read(other)):
            np.testing.assert_array_equal(found, wanted)
    generated['composite'] = 'changed'
    assert build(generated).generate()[1].folder.name != undisturbed.store().folder.name


def test_compositing_and_filters_have_stores_of_their_own(generated, tmp_path):
    variants = [
        {},
        dict(composite='changed'),
        dict(composite=dict(mode='changed', feather=5)),
        dict(composite=dict(mode='changed', match_tone=False)),
        dict(filters=[dict(type='NoBirds')]),
        dict(filters=[dict(type='NoBirds', at_most=3)]),
    ]
    folders = {build({**generated, **more}).generate()[1].folder for more in variants}
    assert len(folders) == len(variants)


def test_a_changed_photo_makes_composites_again(generated, tmp_path):
    generated['composite'] = 'changed'
    before = build(generated).generate()[1].folder
    photo = np.zeros((24, 32, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / 'img' / '0.png'), photo)
    assert build(generated).generate()[1].folder != before


def test_filters_ignore_and_redraw_and_report(generated):
    generated['filters'] = [dict(type='NoBirds', at_most=19)]
    generated['recomposer'] = dict(type='AddSingle', classes=['bird', 'cup'])
    dataset = build(generated)
    plan, store = dataset.generate()
    reports = list(store.reports())
    assert len(reports) == len(plan) == len(dataset) == 10
    lines = store.plan_path.read_text().splitlines()
    assert len(lines) == 1 + 10 * (1 + 3)  # header, samples, redraws
    assert any(report['dropped'] for report in reports)
    for report, info in zip(reports, infos(dataset)):
        _, labels = read(info)
        birds = report['pixels'][2]
        if report['passed']:
            assert birds <= 19
            assert report['ignored'][2] == birds
            assert not (labels == 2).any()
        else:
            assert birds > 19
    table = filter_table(reports, CLASSES).get_string()
    dropped = sum(r['dropped'] + (not r['passed']) for r in reports)
    assert f'10 samples: {dropped} recombinations dropped' in table


def test_the_same_samples_after_a_kill(generated, tmp_path):
    generated['filters'] = [dict(type='NoBirds', at_most=19)]
    generated['batch_size'] = 3
    whole = build(generated)
    expected = [read(info) for info in infos(whole)]
    generated['cache_dir'] = str(tmp_path / 'other')
    ColourPainter.batches, ColourPainter.dies_after = 0, 4
    with pytest.raises(KeyboardInterrupt):
        build(generated)
    ColourPainter.dies_after = None
    again = build(generated)
    for info, (photo, labels) in zip(infos(again), expected):
        np.testing.assert_array_equal(read(info)[0], photo)
        np.testing.assert_array_equal(read(info)[1], labels)


@pytest.mark.parametrize(
    ('composite', 'message'),
    [
        ('auto', 'ganaug fidelity'),
        ('half', "mode='half'"),
        (dict(mode='changed', width=3), 'knows no width'),
        (dict(mode='auto', fidelity='none.json'), 'no fidelity file none.json'),
        (dict(mode='auto', painted=['birds']), 'names among ground, wall, bird'),
        (dict(mode='auto', painted=['bird'], fidelity='f.json'), 'leave one out'),
        (dict(painted=['bird']), "has painted and mode='full', but only mode='auto'"),
        (dict(fidelity='f.json'), "has fidelity and mode='full'.* set that mode"),
        (dict(mode='full', painted=[]), "has painted and mode='full'"),
        (
            dict(mode='changed', fidelity='f.json', min_fidelity=0.3),
            "has fidelity, min_fidelity and mode='changed'",
        ),
        (
            dict(mode='auto', painted=['bird'], min_fidelity=0.3),
            'min_fidelity, but no fidelity',
        ),
    ],
)
def test_wrong_compositing_is_refused_before_anything_is_made(
    generated, composite, message
):
    generated['composite'] = composite
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        build(generated)
    assert ColourPainter.batches == 0
