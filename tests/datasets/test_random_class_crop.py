import numpy as np
import pytest

from mmseg_ganaug.datasets.transforms import RandomClassCrop


def scene():
    """A map with one rare pixel, and a photo that says where each pixel was."""
    label_map = np.zeros((40, 60), np.uint8)
    label_map[:20] = 255
    label_map[30, 7] = 2
    rows, columns = np.indices(label_map.shape)
    photo = np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint8)
    return dict(
        img=photo,
        gt_seg_map=label_map,
        gt_instance_map=(rows * 60 + columns).astype(np.int32),
        seg_fields=['gt_seg_map', 'gt_instance_map'],
    )


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)  # noqa: NPY002 (MMSeg's transforms draw from it)


def test_photo_and_maps_are_cropped_alike():
    results = RandomClassCrop((16, 20))(scene())
    rows, columns = results['img'][..., 0].astype(int), results['img'][..., 1]
    assert results['img_shape'] == results['gt_seg_map'].shape == (16, 20)
    assert (results['gt_instance_map'] == rows * 60 + columns).all()
    whole = scene()['gt_seg_map']
    assert (results['gt_seg_map'] == whole[rows, columns]).all()


def test_rare_class_is_in_every_other_crop():
    crop = RandomClassCrop((10, 10), prob=1.0)
    shown = np.mean([(crop(scene())['gt_seg_map'] == 2).any() for _ in range(300)])
    assert 0.4 < shown < 0.6  # two classes, the ignored pixels being none


def test_without_aiming_the_rare_class_is_hardly_seen():
    crop = RandomClassCrop((10, 10), prob=0.0)
    shown = np.mean([(crop(scene())['gt_seg_map'] == 2).any() for _ in range(300)])
    assert shown < 0.15


def test_map_without_a_class_is_cropped_anywhere():
    results = scene()
    results['gt_seg_map'][:] = 255
    assert RandomClassCrop((10, 10), prob=1.0)(results)['img_shape'] == (10, 10)


def test_map_smaller_than_the_crop_stays_whole():
    results = RandomClassCrop((64, 10), prob=1.0)(scene())
    assert results['img_shape'] == (40, 10)


@pytest.mark.parametrize('wrong', [dict(crop_size=(0, 4)), dict(prob=1.5)])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=f'RandomClassCrop: {next(iter(wrong))}='):
        RandomClassCrop(**{'crop_size': (4, 4), **wrong})
