"""Real pixels of any bands of 8 or 16 bits are recombined as the project loads them."""

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS
from small_projects import (
    FLIP,
    IMAGE,
    LABELS,
    PACK,
    generated_of,
    joined,
    make,
    true_maps,
)

from mmseg_ganaug.datasets.photo_form import PhotoForm, shown_photo, stored_photo
from mmseg_ganaug.engine.mixed_samples import SampleReader
from mmseg_ganaug.synthesis.sample_files import decode_photo, encode_photo

pytestmark = pytest.mark.usefixtures('scope')
ARRAYS = dict(suffixes=('.npy', '.npy'), behind=[PACK])


def load_arrays(dtype=None):
    return [dict(type='LoadDeepArrays', dtype=dtype)]


@pytest.mark.parametrize(
    ('bands', 'dtype', 'loaded'),
    [
        (0, np.uint16, None),
        (1, np.uint8, None),
        (2, np.uint8, 'float32'),
        (4, np.uint16, 'int32'),
        (13, np.uint16, None),
    ],
)
def test_every_pixel_is_one_of_the_source(bands, dtype, loaded, tmp_path):
    real = make(
        tmp_path, loading=load_arrays(loaded), bands=bands, dtype=dtype, **ARRAYS
    )
    generated = dict(generated_of(real, tmp_path), composite=dict(mode='real'))
    generated['composite']['match_tone'] = False
    dataset = DATASETS.build(joined(real, generated))
    plan, store = dataset.datasets[1].generate()
    photos = [np.load(tmp_path / 'img' / f'{i}.npy') for i in range(8)]
    loader = dataset.datasets[1].pipeline.transforms[0]
    for index in range(4):
        sample = loader(dataset.datasets[1].get_data_info(index))
        base = photos[plan[index].base]
        assert sample['img'].dtype == (loaded or dtype)
        assert sample['img'].shape == base.shape
        kept = sample['gt_seg_map'] == true_maps()[plan[index].base]
        assert np.array_equal(sample['img'][kept], base[kept])
        pasted = sample['img'][~kept]
        donors = {
            tuple(np.atleast_1d(p))
            for i in range(8)
            for p in photos[i].reshape(-1, *base.shape[2:])
        }
        assert len(pasted) and all(
            tuple(np.atleast_1d(pixel)) in donors for pixel in pasted
        )
    one, other = dataset[0]['inputs'], dataset[11]['inputs']
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    assert store.discard_damaged(3, 255) == []


@pytest.mark.parametrize('recomposer', ['AddMulti', 'Recon'])
@pytest.mark.parametrize('bands', [0, 5])
def test_light_size_and_blur_of_many_bands(recomposer, bands, tmp_path):
    real = make(tmp_path, loading=load_arrays(), bands=bands, dtype=np.uint16, **ARRAYS)
    generated = generated_of(
        real,
        tmp_path,
        dict(type='BlurredPixels'),
        scale=(48, 32),
        composite=dict(mode='real', match_tone=True),
    )
    generated['recomposer'] = dict(type=recomposer)
    if recomposer == 'AddMulti':
        generated['recomposer'].update(scale_range=(0.7, 1.4), num_classes=2)
    dataset = DATASETS.build(generated)
    inputs = dataset[0]['inputs']
    assert inputs.shape == (max(bands, 1), 32, 48)
    assert inputs.numpy().max() > 255


def test_labels_are_recombined_in_a_pipeline_of_many_bands(tmp_path):
    real = make(tmp_path, loading=load_arrays(), bands=6, dtype=np.uint16, **ARRAYS)
    online = dict(
        type='RecomposeLabels',
        source=dict(real, pipeline=load_arrays()),
        recomposer=dict(type='AddSingle', classes=['defect']),
        cache_dir=str(tmp_path / 'cache'),
        paste_pixels=True,
        prob=1.0,
    )
    dataset = DATASETS.build(dict(real, pipeline=[*load_arrays(), online, FLIP, PACK]))
    assert dataset[0]['inputs'].shape == (6, 64, 96)
    painted = dict(online, paste_pixels=False)
    with pytest.raises(ValueError, match=r'8 bits in 3 bands, but .*uint16 with 6'):
        DATASETS.build(dict(real, pipeline=[*load_arrays(), painted, PACK]))


def test_classes_are_sampled_and_counted_whatever_the_photos_are(tmp_path):
    real = make(tmp_path, loading=load_arrays(), bands=6, dtype=np.uint16, **ARRAYS)
    crop = dict(type='RandomClassCrop', crop_size=(32, 32))
    real['pipeline'] = [*load_arrays(), crop, PACK]
    sampling = dict(
        type='RareClassSamplingDataset',
        dataset=real,
        cache_dir=str(tmp_path / 'cache'),
    )
    dataset = DATASETS.build(sampling)
    assert dataset[0]['inputs'].shape == (6, 32, 32)
    loss = dict(type='ClassWeightedCrossEntropyLoss', class_weight='rare', dataset=real)
    from mmseg.registry import MODELS

    assert MODELS.build(loss) is not None


def test_grey_photos_of_8_bits_by_mmsegs_loader(tmp_path):
    grey = dict(IMAGE, color_type='grayscale')
    real = make(tmp_path, loading=[grey, LABELS], behind=[PACK])
    dataset = DATASETS.build(joined(real, generated_of(real, tmp_path)))
    assert dataset[0]['inputs'].shape == dataset[9]['inputs'].shape == (1, 64, 96)
    reader = SampleReader(dataset)
    sample = reader.read(dataset[9]['inputs'], dataset[9]['data_samples'])
    assert sample.generated and sample.photo.shape == (64, 96, 3)


@pytest.mark.parametrize(
    ('dtype', 'bands'), [(np.uint8, 3), (np.uint8, 4), (np.uint16, 3), (np.uint16, 1)]
)
def test_a_photo_comes_back_from_its_file(dtype, bands):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, np.iinfo(dtype).max, (5, 7, bands)).astype(dtype)
    found = decode_photo(encode_photo(photo, '.png'), 5)
    assert found.dtype == photo.dtype and np.array_equal(found, photo)
    if (dtype, bands) != (np.uint8, 3):
        with pytest.raises(ValueError, match=r"photo_suffix='\.png'"):
            encode_photo(photo, '.jpg')


def test_colour_photos_are_stored_as_images():
    photo = np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
    content = encode_photo(photo, '.png')
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(image, photo)


def test_values_that_samples_cannot_hold_are_named():
    photo = np.full((2, 2), -1, np.int16)
    with pytest.raises(ValueError, match=r'a\.tif is loaded as int16 with 1 band'):
        stored_photo(photo, 'a.tif', False)
    with pytest.raises(ValueError, match='float32'):
        stored_photo(np.full((2, 2, 3), np.nan, np.float32), 'a.tif', False)
    assert stored_photo(photo + 1, 'a.tif', False).shape == (2, 2, 1)
    assert PhotoForm('float32', 0).restored(np.ones((2, 2, 1), np.uint8)).ndim == 2


def test_pictures_for_people_are_grey_or_of_the_first_bands():
    deep = torch.arange(24).reshape(2, 2, 6).numpy().astype(np.uint16) * 1000
    picture = shown_photo(deep)
    assert picture.dtype == np.uint8 and picture.shape == (2, 2, 3)
    assert picture.max() >= 254
    two = shown_photo(np.ones((2, 2, 2), np.uint8))
    assert two.shape == (2, 2, 3) and (two == 1).all()
