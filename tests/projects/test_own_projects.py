"""Projects that are like no stock config train with generated pairs by MMSeg's tool."""

import json
from pathlib import Path

import cv2
import mmseg
import numpy as np
import pytest
from mmengine.config import Config
from small_projects import (
    FLIP,
    IMAGE,
    LABELS,
    PACK,
    as_colours,
    as_ids,
    binary,
    generated_of,
    joined,
    make,
    training,
    true_maps,
)
from warm_tools import run_tool

TRAIN = Path(mmseg.__file__).parent / '.mim/tools/train.py'
TWO = ('ground', 'defect')
GREY = dict(type='GreyPainter')
UNCHANGED = dict(IMAGE, color_type='unchanged')
TIFF = dict(UNCHANGED, imdecode_backend='tifffile')
ARRAYS = dict(
    suffixes=('.npy', '.npy'), loading=[dict(type='LoadDeepArrays')], dtype=np.uint16
)


def plain(folder, generator=None, **options):
    source = make(folder, **options)
    return joined(source, generated_of(source, folder, generator))


def mosaic(folder):
    """The photos of a sample are put together outside of the real data set."""
    source = make(folder, behind=())
    return dict(
        type='MultiImageMixDataset',
        dataset=joined(source, generated_of(source, folder)),
        pipeline=[dict(type='RandomMosaic', prob=1.0, img_scale=(96, 64)), PACK],
    )


def uda(folder):
    real, target = make(folder), make(folder / 'other')
    both = joined(real, generated_of(real, folder))
    return dict(type='UDADataset', source=both, target=target)


def semi(folder):
    real, other = make(folder), make(folder / 'other')
    both = joined(real, generated_of(real, folder))
    return dict(type='SemiDataset', datasets=dict(labelled=both, unlabelled=other))


def class_balanced(folder):
    """Around a joined data set, which has no get_cat_ids."""
    parts = [make(folder / name) for name in 'ab']
    real = dict(
        type='ClassBalancedDataset',
        oversample_thr=0.9,
        dataset=dict(
            type='mmseg_ganaug.ClassPresenceDataset',
            dataset=joined(*parts),
            cache_dir=str(folder / 'cache'),
        ),
    )
    return joined(real, generated_of(real, folder))


def overlapping(folder):
    real = make(folder)
    for name, numbers in (('a', range(6)), ('b', range(3, 8))):
        (folder / f'{name}.txt').write_text(''.join(f'{n}\n' for n in numbers))
    splits = joined(*(dict(real, ann_file=f'{name}.txt') for name in 'ab'))
    return joined(splits, generated_of(splits, folder))


def remote(folder):
    vault = dict(backend_args=dict(backend='vault', root=str(folder)))
    real = make(folder, loading=[dict(IMAGE, **vault), dict(LABELS, **vault)])
    (folder / 'all.txt').write_text(''.join(f'{n}\n' for n in range(8)))
    real.update(
        data_root=None,
        data_prefix=dict(img_path='vault://img', seg_map_path='vault://ann'),
        ann_file=str(folder / 'all.txt'),
    )
    return joined(real, generated_of(real, folder, GREY))


def own_scope(folder):
    behind = [dict(type='ProjectFlip'), PACK]
    real = make(folder, behind=behind, type='OwnSegDataset')
    del real['metainfo']
    return joined(real, generated_of(real, folder, GREY))


#: Data set of a training, options of make() or a function; options of training().
PROJECTS = {
    'threshold in the loader': (
        dict(loading=[IMAGE, dict(type='LoadAbove')], encode=binary, classes=TWO),
        dict(num_classes=2),
    ),
    'table of ids in a loader of its own': (
        dict(loading=[IMAGE, dict(type='LoadIds')], encode=as_ids),
        {},
    ),
    'colours, by a loader inside RandomChoice': (
        dict(
            loading=[
                IMAGE,
                dict(type='RandomChoice', transforms=[[dict(type='LoadColourMasks')]]),
            ],
            encode=as_colours,
        ),
        {},
    ),
    'remap behind the loader and a flip': (
        dict(behind=[FLIP, dict(type='Binarise'), PACK], encode=binary, classes=TWO),
        dict(num_classes=2),
    ),
    'arrays of six bands and 16 bits': (dict(ARRAYS, bands=6), dict(bands=6)),
    'arrays of two bands as floats': (
        dict(
            ARRAYS,
            bands=2,
            loading=[dict(type='LoadDeepArrays', dtype='float32')],
        ),
        dict(bands=2),
    ),
    'tiff of four bands': (
        dict(suffixes=('.tif', '.png'), loading=[TIFF, LABELS], bands=4),
        dict(bands=4),
    ),
    'grey of 16 bits': (
        dict(loading=[UNCHANGED, LABELS], bands=0, dtype=np.uint16),
        dict(bands=1),
    ),
    'painted, with photos as floats': (
        dict(loading=[dict(IMAGE, to_float32=True), LABELS], generator=GREY),
        {},
    ),
    'mosaic around both': (mosaic, {}),
    'two domains': (uda, {}),
    'parts by name': (semi, {}),
    'class-balanced around several': (class_balanced, {}),
    'splits that overlap': (overlapping, {}),
    'store of its own': (remote, {}),
    'scope of its own': (own_scope, dict(scope='own')),
}


def trained(config, folder):
    """Trains with MMSeg's own tool; returns the losses."""
    work = folder / 'work'
    options = ['--work-dir', work]
    run_tool('training', TRAIN, [config, *options], folder / 'log.txt')
    (log,) = work.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line['loss'] for line in lines if 'loss' in line]


@pytest.mark.slow
@pytest.mark.parametrize('name', PROJECTS)
def test_a_project_trains_with_generated_pairs(name, tmp_path):
    dataset, options = PROJECTS[name]
    dataset = dataset(tmp_path) if callable(dataset) else plain(tmp_path, **dataset)
    Config(training(dataset, **options)).dump(tmp_path / 'config.py')
    losses = trained(tmp_path / 'config.py', tmp_path)
    assert len(losses) == 2 and np.isfinite(losses).all()
    real = np.mean([(labels == 1).sum() for labels in true_maps()])
    files = sorted((tmp_path / 'cache').glob('*/labels/*.png'))
    made = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in files]
    assert len(made) == 4
    # What no photo shows is ignored; nothing else is beside the classes.
    assert {int(v) for labels in made for v in np.unique(labels)} <= {0, 1, 2, 255}
    assert np.mean([(labels == 1).sum() for labels in made]) > real
