"""Painted photos come back by ID, from a painter that knows NumPy and Pillow alone."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from PIL import Image
from small_maps import CLASSES

from mmseg_ganaug.commands import main
from mmseg_ganaug.datasets.export_plan import export_plan
from mmseg_ganaug.datasets.import_photos import import_photos
from mmseg_ganaug.synthesis import TooFewPhotosError

#: What a program of another environment does: flat colours and noise.
PAINTER = """
import json, pathlib, sys
import numpy as np
from PIL import Image

plan, painted = map(pathlib.Path, sys.argv[1:])
painted.mkdir()
colours = np.zeros((256, 3))
for item in json.loads((plan / 'classes.json').read_text())['classes']:
    colours[item['id']] = 60 + 40 * item['id']
with open(plan / 'plan.jsonl') as lines:
    header, *samples = map(json.loads, lines)
for sample in samples:
    labels = np.array(Image.open(plan / sample['files']['labels']))
    noise = np.random.default_rng(sample['seed']).normal(0, 5, (*labels.shape, 3))
    photo = (colours[labels] + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(photo).save(painted / (sample['id'] + '.png'))
assert not {'torch', 'mmseg', 'mmseg_ganaug', 'cv2'} & set(sys.modules)
"""


@pytest.fixture
def painted(generated, tmp_path):
    """Photos of the plan, painted by a program of its own."""
    export_plan(generated, str(tmp_path / 'plan'))
    folder = tmp_path / 'painted'
    subprocess.run(
        [sys.executable, '-I', '-c', PAINTER, str(tmp_path / 'plan'), str(folder)],
        check=True,
        timeout=120,
    )
    return folder


def images(store, count):
    return [
        (cv2.imread(store.photo_path(i)), cv2.imread(store.label_path(i), -1))
        for i in range(count)
    ]


def test_photos_become_samples_by_their_ids(generated, painted):
    imported = import_photos(generated, str(painted))
    assert imported.samples == 10
    for photo, labels in images(imported.store, 10):
        wanted = 60 + 40 * labels[labels != 255].astype(int)
        assert abs(photo[labels != 255].mean(-1) - wanted).max() < 20
    assert (
        '"PaintedFolder painted: 10 photos, sha256 '
        in (imported.store.folder / 'store.json').read_text()
    )
    # Training finds them there.
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build({**generated, **imported.settings, 'lazy_init': True})
        assert dataset.store().folder == imported.store.folder
        assert not dataset.store().missing(10)
        assert len(dataset) == 10 and dataset[3]['inputs'].shape == (3, 24, 32)


def test_what_is_there_is_used_and_the_rest_named(generated, painted, logged):
    paths = sorted(painted.glob('*.png'))
    paths[2].unlink()
    Image.open(paths[5]).resize((16, 12)).save(paths[5])
    paths[7].write_bytes(paths[7].read_bytes()[:300])
    with pytest.raises(TooFewPhotosError, match=r'7 of 10 .*are used'):
        import_photos(generated, str(painted))
    imported = import_photos(generated, str(painted), min_share=0.7)
    assert imported.samples == 7
    text = '\n'.join(logged)
    for part in (
        f'1 missing: {paths[2].stem}',
        f'1 of another size: {paths[5]} (16 x 12, not 32 x 24)',
        f'1 damaged: {paths[7]}',
    ):
        assert part in text
    kept = [path for i, path in enumerate(paths) if i not in (2, 5, 7)]
    for (photo, _), path in zip(images(imported.store, 7), kept):
        np.testing.assert_array_equal(photo, cv2.imread(str(path)))
    assert len(list(imported.store.photo_folder.iterdir())) == 7


def test_an_import_that_was_cut_off_goes_on(generated, painted):
    first = import_photos(generated, str(painted))
    wanted = images(first.store, 10)
    times = {}
    for index in range(10):
        path = first.store.photo_path(index)
        times[path] = os.stat(path).st_mtime_ns
        if index in (4, 5):
            os.remove(path)
    again = import_photos(generated, str(painted))
    assert again.store.folder == first.store.folder
    for found, before in zip(images(again.store, 10), wanted):
        np.testing.assert_array_equal(found[0], before[0])
    same = [path for path in times if os.stat(path).st_mtime_ns == times[path]]
    assert len(same) == 8


def test_composite_and_filters_are_those_of_the_config(generated, painted):
    generated['composite'] = dict(mode='changed', feather=0, match_tone=False)
    generated['filters'] = [dict(type='IgnoredShareFilter', max_ignored=0.9)]
    imported = import_photos(generated, str(painted))
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(dict(generated, lazy_init=True))
    plan, _ = dataset.plan()
    source = dataset.label_source()
    for (photo, labels), recipe in zip(images(imported.store, 10), plan):
        same = labels == source.label_map(recipe.base)
        real = source.photo(recipe.base)
        np.testing.assert_array_equal(photo[same], real[same])
        assert same.all() or (photo[~same] != real[~same]).any()


def test_photos_of_another_plan_are_not_taken(generated, painted):
    with pytest.raises(TooFewPhotosError, match=r'10 missing.*\n.*10 extra: .*another'):
        import_photos(dict(generated, seed=4), str(painted))


def test_the_tool_says_how_to_train_on_them(generated, painted, tmp_path, capsys):
    generated['scale'] = (32, 24)  # as a generator may state it
    export_plan(generated, str(tmp_path / 'plan2'))
    for old, new in zip(
        sorted(painted.glob('*.png')), sorted((tmp_path / 'plan2/labels').iterdir())
    ):
        old.rename(painted / new.name)
    path = tmp_path / 'config.py'
    path.write_text(f'train_dataloader = dict(dataset={generated!r})\n')
    main(['import-photos', str(path), str(painted)])
    printed = capsys.readouterr().out
    assert '10 samples in ' in printed
    assert f"'type': 'PaintedFolder', 'folder': '{painted}'" in printed
    assert 'scale=(32, 24)' in printed
    assert len(CLASSES) == 4
