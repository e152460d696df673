"""What is not supported is refused at once, with what to write in its place."""

import os
from pathlib import Path

import numpy as np
import painters  # noqa: F401
import pytest
from mmseg.registry import DATASETS
from small_projects import (
    IMAGE,
    LABELS,
    PACK,
    binary,
    generated_of,
    joined,
    make,
)

from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.datasets import LabelToImageDataset

pytestmark = pytest.mark.usefixtures('scope')
GREY = dict(type='GreyPainter')


@pytest.mark.parametrize(
    ('wrap', 'message'),
    [
        (
            lambda real: dict(type='UDADataset', source=real, target=real),
            r'UDADataset.* source or target, as in source=_base_\.train_dataloader\.'
            r'dataset\.source$',
        ),
        (
            lambda real: dict(
                type='SemiDataset', datasets=dict(unlabelled=real, labelled=real)
            ),
            r'datasets\.unlabelled or datasets\.labelled, .*\.datasets\.labelled$',
        ),
        (
            lambda real: dict(type='Mixed', datasets=[real, real], use=[0]),
            r'Mixed .*datasets\[0\] or datasets\[1\], .*datasets\[0\]$',
        ),
        (
            lambda real: joined(real, dict(type='SemiDataset', sup=real, other=real)),
            r'SemiDataset.*datasets\[1\]\.sup or .*dataset\.datasets\[1\]\.sup$',
        ),
        (
            lambda real: dict(type='ConcatDataset', datasets=dict(a=real, b=real)),
            r'without a type .* datasets\.a or datasets\.b',
        ),
        (
            lambda real: dict(type='PairsOfMine', pipeline=[PACK]),
            r"PairsOfMine, which is no BaseSegDataset.*type='BaseSegDataset'",
        ),
        (
            lambda real: dict(type='NotImported', data_root='here'),
            r'NotImported is not in .* custom_imports of this config',
        ),
        (
            lambda real: dict(real, pipeline=[IMAGE, dict(type='LoadNothing')]),
            r'LoadNothing is not in .* custom_imports of this config',
        ),
        (
            lambda real: dict(real, type='ShiftsLabels'),
            r'ShiftsLabels\.prepare_data changes the labels of .*/ann/.\.png.*pipeline',
        ),
        (
            lambda real: dict(
                real,
                pipeline=[
                    dict(IMAGE, backend_args=dict(backend='petrel')),
                    dict(LABELS, backend_args=dict(backend='petrel')),
                    PACK,
                ],
            ),
            r'LoadAnnotations cannot load .*0\.png .*petrel_client',
        ),
    ],
)
def test_a_source_that_cannot_be_taken_says_what_can(wrap, message, tmp_path):
    real = make(tmp_path, encode=lambda labels: labels * 255)
    with pytest.raises(ValueError, match=message):
        DATASETS.build(generated_of(wrap(real), tmp_path))
    assert not list((tmp_path / 'cache').glob('*/images'))


@pytest.mark.parametrize('bands', [0, 4])
def test_a_painter_says_which_photos_it_can_paint(bands, tmp_path):
    unchanged = dict(IMAGE, color_type='unchanged')
    real = make(tmp_path, loading=[unchanged, LABELS], bands=bands, dtype=np.uint16)
    found = f'uint16 with {max(bands, 1)} band'
    message = f'GreyPainter takes and gives photos of 8 bits in 3 bands.*{found}'
    with pytest.raises(ValueError, match=message) as error:
        DATASETS.build(generated_of(real, tmp_path, GREY))
    assert '\n' not in str(error.value) and 'generator=None' in str(error.value)
    with pytest.raises(ValueError, match=found):
        LabelToImageDataset(real)
    assert len(DATASETS.build(generated_of(real, tmp_path))) == 4


def test_photos_of_different_bands_are_named(tmp_path):
    unchanged = dict(IMAGE, color_type='unchanged')
    parts = [
        make(tmp_path / str(bands), loading=[unchanged, LABELS], bands=bands)
        for bands in (3, 4)
    ]
    with pytest.raises(ValueError, match=r'uint8 with 4 bands, but .*with 3 bands'):
        DATASETS.build(generated_of(joined(*parts), tmp_path))


def test_photos_that_are_no_whole_numbers_are_named(tmp_path):
    loading = [dict(type='LoadDeepArrays', dtype='float32')]
    real = make(tmp_path, loading=loading, suffixes=('.npy', '.npy'))
    for path in (tmp_path / 'img').iterdir():
        np.save(path, np.load(path) / 7)
    with pytest.raises(ValueError, match=r'\.npy is loaded as float32 .* later'):
        DATASETS.build(generated_of(real, tmp_path))


def test_arrays_without_a_loader_of_their_own_are_named(tmp_path):
    real = make(tmp_path, suffixes=('.npy', '.npy'))
    with pytest.raises(ValueError, match=r'0\.npy is no image, .*loading transform'):
        DATASETS.build(generated_of(real, tmp_path))


def test_masks_whose_defect_is_the_ignore_index_are_warned_of(tmp_path, logged):
    real = make(tmp_path, encode=binary, classes=('ground', 'defect'))
    with pytest.raises(ValueError):
        DATASETS.build(generated_of(real, tmp_path))
    assert any('255' in text and 'ignore_index' in text for text in logged)


@pytest.mark.parametrize('name', ['ClassPresenceDataset', 'RareClassSamplingDataset'])
def test_generated_samples_among_real_ones_that_are_counted_are_named(name, tmp_path):
    real = make(tmp_path)
    both = joined(real, generated_of(real, tmp_path))
    config = dict(type=name, dataset=both, cache_dir=str(tmp_path))
    with pytest.raises(ValueError, match=f'{name} counts real samples, but holds'):
        DATASETS.build(config)


def test_a_data_set_of_another_scope_is_taken_where_it_is_named(tmp_path):
    real = make(tmp_path, type='OwnSegDataset')
    real['pipeline'].insert(2, dict(type='ProjectFlip'))
    with pytest.raises(ValueError, match=r"OwnSegDataset is not in .* _scope_='"):
        LabelToImageDataset(real)
    named = dict(real, _scope_='own')
    assert len(LabelToImageDataset(named)) == 8
    assert len(DATASETS.build(generated_of(named, tmp_path, GREY))) == 4


def option(**change):
    return lambda real, folder: dict(generated_of(real, folder), **change)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (option(ratoi=2), r'^GANRecomposeDataset: .* ratoi: did you mean ratio\?'),
        (option(data_root='x'), r'^GANRecomposeDataset: it has no option data_root'),
        (
            option(recomposer=dict(type='AddSingle', clases=['defect'])),
            r'^AddSingle: .* clases: did you mean classes\?',
        ),
        (
            option(generator=dict(config='a.py', chekpoint='b.pth')),
            r'^MMagicGenerator: .* chekpoint: did you mean checkpoint\?',
        ),
        (
            option(filters=[dict(type='IgnoredShareFilter', max_ignore=1)]),
            r'^IgnoredShareFilter: .* did you mean max_ignored',
        ),
        (
            lambda real, folder: dict(
                real, pipeline=[IMAGE, LABELS, dict(type='RandomClassCrop', size=4)]
            ),
            r'^RandomClassCrop: it has no option size',
        ),
        (
            lambda real, folder: dict(type='LabelToImageDataset', sorce=real),
            r'^LabelToImageDataset: .* sorce: did you mean source\?',
        ),
        (
            lambda real, folder: dict(type='CamVidDataset', ignore_idx=3),
            r'^CamVidDataset: .* ignore_idx: did you mean ignore_index\?',
        ),
    ],
)
def test_an_unknown_option_is_named_with_the_class_that_lacks_it(
    change, message, tmp_path
):
    real = make(tmp_path)
    with pytest.raises(ValueError, match=message):
        DATASETS.build(change(real, tmp_path))


def test_options_of_a_parent_class_are_known(tmp_path):
    real = make(tmp_path, type='ToyStreetsDataset', lazy_init=True, indices=3)
    del real['metainfo']
    assert DATASETS.build(real).ignore_index == 255


@pytest.mark.parametrize(
    'name', ['tools/train.py', 'configs/_base_/default_runtime.py']
)
def test_tools_and_bases_of_the_package_come_first(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True)
    Path(name).write_text('')
    assert os.path.getsize(find_shipped(name)) > 0
    own = Path('configs/mine.py')
    own.parent.mkdir(exist_ok=True)
    own.write_text('')
    assert find_shipped(own) == own
