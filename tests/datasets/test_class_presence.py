"""ClassBalancedDataset of MMEngine around a data set of MMSeg."""

import numpy as np
from conftest import write_png
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, TRANSFORMS


def test_photos_of_rare_classes_are_repeated(source, tmp_path):
    for index in range(8):
        labels = np.zeros((24, 32), np.uint8)
        labels[:8] = 1
        if index == 7:
            labels[18:22, 25:30] = 2
        write_png(tmp_path / 'ann' / f'{index}.png', labels)
    counted = dict(
        type='mmseg_ganaug.ClassPresenceDataset',
        dataset=source,
        cache_dir=str(tmp_path / 'cache'),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        balanced = DATASETS.build(
            dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=counted)
        )
    # One of eight photos shows the bird: it is repeated sqrt(0.5 * 8) = 2 times.
    assert len(balanced) == 9
    birds = [
        bool((balanced[i]['data_samples'].gt_sem_seg.data == 2).any()) for i in range(9)
    ]
    assert birds == [False] * 7 + [True] * 2
    assert balanced.dataset.get_cat_ids(7) == [0, 1, 2]
    assert balanced.metainfo['classes'] == balanced.dataset.metainfo['classes']


@TRANSFORMS.register_module(force=True)
class DropFirstPhotos:
    """Gives None, as transforms do for samples that cannot be used."""

    def __call__(self, results):
        return None if results['img_path'].endswith('0.png') else results


def test_where_the_pipeline_gives_none_another_sample_is_taken(source, tmp_path):
    dropping = [dict(type='DropFirstPhotos'), *source['pipeline']]
    # Two data sets, the first repeated: each sample counts once.
    first = dict(type='RepeatDataset', times=5, dataset=dict(source, indices=[1, 4]))
    second = dict(source, indices=[0, 2, 3], pipeline=dropping)
    with DefaultScope.overwrite_default_scope('mmseg'):
        counted = DATASETS.build(
            dict(
                type='mmseg_ganaug.ClassPresenceDataset',
                dataset=dict(type='ConcatDataset', datasets=[first, second]),
                cache_dir=str(tmp_path / 'cache'),
            )
        )
    given = [counted[i]['data_samples'].img_path[-5:] for i in range(len(counted))]
    assert given[:2] == ['1.png', '4.png']
    assert given[2] in ('2.png', '3.png')
    assert given[3:] == ['2.png', '3.png']
