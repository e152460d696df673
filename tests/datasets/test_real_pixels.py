"""Generated pairs of real pixels: no generator, class layers or whole objects."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def pasted(generated):
    return dict(generated, generator=None)


OBJECTS = dict(
    type='AddMulti', min_area=0, objects=dict(things=['bird', 'cup'], max_hidden=1)
)


@pytest.mark.parametrize('recomposer', [dict(type='AddMulti'), OBJECTS, 'Recon'])
def test_every_pixel_is_one_of_the_source(pasted, source, recomposer):
    if recomposer == 'Recon':
        recomposer = dict(type='Recon', min_area=0, min_background=0)
    dataset = DATASETS.build(
        dict(
            pasted, recomposer=recomposer, composite=dict(mode='real', match_tone=False)
        )
    )
    real = np.stack(
        [cv2.imread(f'{source["data_root"]}/img/{index}.png') for index in range(8)]
    )
    assert len(dataset) == 10
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        photo = cv2.imread(info['img_path'])
        labels = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        shown = (real == photo).all(axis=-1).any(axis=0)
        assert shown[labels != 255].all()
        assert dataset[index]['inputs'].shape == (3, 24, 32)


def test_a_second_build_makes_nothing(pasted, logged):
    DATASETS.build(pasted)
    logged.clear()
    DATASETS.build(pasted)
    assert not [text for text in logged if 'Generating' in text]


def test_objects_are_found_once_and_kept(pasted, logged):
    DATASETS.build(dict(pasted, recomposer=dict(type='AddMulti')))
    logged.clear()
    DATASETS.build(dict(pasted, recomposer=OBJECTS))
    assert [text for text in logged if text.startswith('Reading label maps')]
    logged.clear()
    DATASETS.build(dict(pasted, recomposer=OBJECTS, seed=1))
    # Nor are they lost when class layers are planned again.
    DATASETS.build(dict(pasted, recomposer=dict(type='AddMulti'), seed=2))
    DATASETS.build(dict(pasted, recomposer=OBJECTS, seed=3))
    assert not [text for text in logged if text.startswith('Reading label maps')]


@pytest.mark.parametrize(
    'composite', ['full', 'changed', dict(mode='auto', painted=[])]
)
def test_what_needs_a_generator_is_refused(pasted, composite):
    with pytest.raises(ValueError, match='generator=None, which paints nothing'):
        DATASETS.build(dict(pasted, composite=composite))


def test_online_objects_are_the_same_as_offline(source, tmp_path):
    step = dict(
        type='RecomposeLabels',
        source=source,
        recomposer=OBJECTS,
        cache_dir=str(tmp_path / 'cache'),
        prob=1.0,
        paste_pixels=True,
        num_recipes=5,
    )
    load, annotations, pack = source['pipeline']
    dataset = DATASETS.build(dict(source, pipeline=[load, annotations, step, pack]))
    names = set()
    for index in range(8):
        sample = dataset[index]
        labels = sample['data_samples'].gt_sem_seg.data
        names |= set(labels.unique().tolist())
        assert sample['inputs'].shape == (3, 24, 32)
    assert {2, 3} & names
