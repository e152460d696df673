"""What is wrong with label files is logged when GANRecomposeDataset plans."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from painters import ColourPainter
from PIL import Image
from small_maps import make_label_map, write_png

from mmseg_ganaug.datasets import DatasetLabelSource


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def lazily(generated, **change):
    return DATASETS.build(dict(generated, lazy_init=True, **change))


def expect(generated, *words, error=ValueError, num_workers=0):
    with pytest.raises(error) as raised:
        lazily(generated, num_workers=num_workers).plan()
    for word in words:
        assert word in str(raised.value)


def save(path, array, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array, mode).save(path)


def noise(shape=(24, 32)):
    return np.random.default_rng(0).integers(0, 4, shape, dtype=np.uint8)


def shorten(path):
    """Leaves the header and a part of the pixels."""
    save(path, noise((240, 320)))
    path.write_bytes(path.read_bytes()[:9000])


UNUSABLE = {
    '16 bits': (
        lambda path: save(path, noise().astype(np.uint16) + 253),
        ['pixel format I;16', '8-bit single-channel', 'convert it'],
    ),
    'colours': (
        lambda path: save(path, np.zeros((24, 32, 3), np.uint8)),
        ['pixel format RGB', 'dataset_converters'],
    ),
    'alpha': (
        lambda path: save(path, np.zeros((24, 32, 2), np.uint8), 'LA'),
        ['pixel format LA', 'convert it'],
    ),
    'floats': (
        lambda path: (
            save(path.with_suffix('.tif'), noise().astype(np.float32))
            or path.with_suffix('.tif').rename(path)
        ),
        ['pixel format F', 'convert it'],
    ),
    'cut off': (shorten, ['cannot be read', 'truncated', 'restore']),
    'empty': (lambda path: path.write_bytes(b''), ['cannot be read', 'restore']),
    'text': (lambda path: path.write_text('hello'), ['cannot be read', 'restore']),
    'gone': (lambda path: path.unlink(), ['is missing', 'restore']),
    'wrong value': (
        lambda path: save(path, np.full((24, 32), 9, np.uint8)),
        ['label value 9', '768 pixels', 'only 0..3', '255', 'LoadAnnotations'],
    ),
    'other size': (
        lambda path: save(path, noise((20, 32))),
        ['32 x 24', '32 x 20', 'must have one size'],
    ),
}


@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize('case', list(UNUSABLE))
def test_an_unusable_label_file_is_named_with_the_remedy(
    generated, tmp_path, case, num_workers
):
    spoil, words = UNUSABLE[case]
    path = tmp_path / 'ann' / '5.png'
    if case == 'cut off':  # its photo fits the header that is left
        write_png(tmp_path / 'img' / '5.png', np.zeros((240, 320, 3), np.uint8))
    spoil(path)
    expect(generated, str(path), *words, num_workers=num_workers)


def as_palette(path):
    image = Image.open(path)
    image.putpalette(bytes(range(255, -1, -1)) * 3)
    image.save(path)
    assert Image.open(path).mode == 'P'


def as_16_bits(path):
    save(path, np.asarray(Image.open(path)).astype(np.uint16))
    assert Image.open(path).mode == 'I;16'


@pytest.mark.parametrize('stored', [as_palette, as_16_bits])
def test_ids_are_read_however_they_are_stored(generated, tmp_path, stored):
    plan, _ = lazily(generated).plan()
    wanted = [lazily(generated).label_source().label_map(i) for i in range(8)]
    for path in (tmp_path / 'ann').iterdir():
        stored(path)
    dataset = lazily(generated)
    again, _ = dataset.plan()
    assert again.fingerprint() == plan.fingerprint()
    for index, label_map in enumerate(wanted):
        found = dataset.label_source().label_map(index)
        np.testing.assert_array_equal(found, label_map)


def test_maps_without_a_label_are_left_out_counted_and_named(
    generated, tmp_path, logged
):
    for index in (2, 6):
        write_png(tmp_path / 'ann' / f'{index}.png', np.full((24, 32), 255, np.uint8))
    for _ in range(2):  # also when the statistics were kept
        logged.clear()
        plan, _ = lazily(generated, num_samples=60).plan()
        used = {index for recipe in plan for index in recipe.maps}
        assert used == {0, 1, 3, 4, 5, 7}
        (note,) = [message for message in logged if 'no labelled pixel' in message]
        assert note.startswith('2 of 8') and str(tmp_path / 'ann' / '2.png') in note


def test_no_labels_at_all_is_an_error(generated, tmp_path):
    for path in (tmp_path / 'ann').iterdir():
        write_png(path, np.full((24, 32), 255, np.uint8))
    expect(generated, 'among the 8 given there is no such pair', 'labelled pixels')


def test_a_set_of_one_map_cannot_be_recombined(generated):
    generated['source']['indices'] = [3]
    expect(
        generated, 'at least two label maps', 'among the 1 given there is no such pair'
    )


def resize_sample(tmp_path, index, size):
    write_png(tmp_path / 'img' / f'{index}.png', np.zeros((*size, 3), np.uint8))
    label_map = make_label_map(np.random.default_rng(index), size)
    write_png(tmp_path / 'ann' / f'{index}.png', label_map)


def test_maps_of_a_size_of_their_own_are_counted(generated, tmp_path, logged):
    resize_sample(tmp_path, 1, (30, 32))
    for index in (3, 4):
        resize_sample(tmp_path, index, (40, 32))
    plan, _ = lazily(generated, num_samples=60).plan()
    assert 1 not in {index for recipe in plan for index in recipe.maps}
    (note,) = [message for message in logged if 'left out' in message]
    assert note.startswith('1 of 8') and 'resize_donors' in note
    dataset = DATASETS.build(generated)
    sizes = {DatasetLabelSource(dataset).label_map(i).shape for i in range(10)}
    assert sizes <= {(24, 32), (40, 32)}
    logged.clear()
    way = dict(type='AddSingle', resize_donors=True)
    plan, _ = lazily(generated, num_samples=60, recomposer=way).plan()
    assert 1 in {index for recipe in plan for index in recipe.maps}
    lazily(generated, scale=(16, 12)).plan()
    assert not any('left out' in message for message in logged)


def test_maps_that_all_differ_in_size_are_an_error_with_a_remedy(generated, tmp_path):
    for index in range(8):
        resize_sample(tmp_path, index, (24 + index, 32))
    expect(
        generated,
        'of one size',
        'among the 8 given there is no such pair',
        'resize_donors=True',
    )


def add_instances(generated, tmp_path):
    """Gives every bird and cup an id."""
    generated['instance_path'] = ('/ann/', '/inst/')
    for path in (tmp_path / 'ann').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.uint16)
        ids = np.where((labels == 2) | (labels == 3), labels + 1000, 0)
        write_png(tmp_path / 'inst' / path.name, ids.astype(np.uint16))
    return tmp_path / 'inst'


UNUSABLE_INSTANCES = {
    'other size': (
        lambda path: save(path, np.zeros((20, 32), np.uint16)),
        ['32 x 20', '32 x 24', 'ann/5.png'],
    ),
    'colours': (
        lambda path: save(path, np.zeros((24, 32, 3), np.uint8)),
        ['pixel format RGB', 'single-channel', 'convert'],
    ),
    'cut off': (
        lambda path: path.write_bytes(path.read_bytes()[:50]),
        ['cannot be read', 'restore'],
    ),
    'gone': (lambda path: path.unlink(), ['missing', 'restore']),
}


@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize('case', list(UNUSABLE_INSTANCES))
def test_an_unusable_instance_map_is_named(generated, tmp_path, case, num_workers):
    path = add_instances(generated, tmp_path) / '5.png'
    spoil, words = UNUSABLE_INSTANCES[case]
    spoil(path)
    expect(generated, str(path), *words, num_workers=num_workers)


def test_instance_path_that_does_not_fit_is_an_error(generated):
    generated['instance_path'] = ('labels', 'instances')
    expect(generated, "replaces 'labels'", 'does not occur', '0.png')


def test_instances_that_disagree_with_the_labels_are_counted(
    generated, tmp_path, logged
):
    folder = add_instances(generated, tmp_path)
    dataset = lazily(generated)
    dataset.plan()
    assert not any('disagree' in message for message in logged)
    for index in (4, 7):  # the upper half is ground and wall
        ids = np.zeros((24, 32), np.uint16)
        ids[:20, 10:12] = 300
        write_png(folder / f'{index}.png', ids)
    lazily(generated).plan()
    (note,) = [message for message in logged if 'disagree' in message]
    assert note.startswith('2 instances in 2 label maps')
    assert str(tmp_path / 'ann' / '4.png') in note
    assert len(DATASETS.build(generated)) == 10


@pytest.mark.parametrize('num_workers', [0, 2])
def test_missing_photos_are_counted_and_no_error_until_one_is_needed(
    generated, tmp_path, logged, num_workers
):
    # The list of samples comes from a split file, as without it from the photos.
    generated['source']['ann_file'] = 'names.txt'
    (tmp_path / 'names.txt').write_text('\n'.join('01234567'))
    for index in (3, 5):
        (tmp_path / 'img' / f'{index}.png').unlink()
    lazily(generated, num_workers=num_workers).plan()
    (note,) = [message for message in logged if 'photos are missing' in message]
    photo = str(tmp_path / 'img' / '3.png')
    assert note.startswith('2 of 8') and photo in note
    assert len(DATASETS.build(generated)) == 10
    with pytest.raises(FileNotFoundError, match=r'img/3\.png.*ann/3\.png.*restore'):
        lazily(generated).label_source().photo(3)
    with pytest.raises(ValueError, match=r'img/3\.png is missing.*photo of .*ann/3'):
        for index in range(8):
            lazily(generated).label_source().verified(True).label_map(index)
    with pytest.raises(FileNotFoundError, match=r'2 of 8 photos.*img/3\.png.*ann/3'):
        DATASETS.build(dict(generated, composite='changed'))
    # The photos that are there are still compared.
    write_png(tmp_path / 'img' / '6.png', np.zeros((30, 32, 3), np.uint8))
    with open(tmp_path / 'ann' / '0.png', 'ab') as file:
        file.write(b'\0')  # another file: the statistics kept do not count
    expect(generated, '6.png', '32 x 30', num_workers=num_workers)


def test_a_photo_that_is_no_image_is_named_when_it_is_needed(generated, tmp_path):
    (tmp_path / 'img' / '2.png').write_text('hello')
    with pytest.raises(ValueError, match=r'img/2\.png cannot be read'):
        lazily(generated).label_source().photo(2)


def test_label_maps_without_photos_are_found_by_their_own_names(generated, tmp_path):
    for path in (tmp_path / 'img').iterdir():
        path.unlink()
    for path in list((tmp_path / 'ann').iterdir()):
        path.rename(path.with_name(f'{path.stem}_train_id.png'))
    generated['source'].update(
        data_prefix=dict(img_path='ann', seg_map_path='ann'),
        img_suffix='_train_id.png',
        seg_map_suffix='_train_id.png',
    )
    dataset = DATASETS.build(generated)
    assert len(dataset) == 10 and ColourPainter.batches == 3
    with pytest.raises(FileNotFoundError, match=r'0_train_id\.png has no photo'):
        dataset.label_source().photo(0)
    with pytest.raises(FileNotFoundError, match='8 of 8 photos are missing'):
        dataset.label_source().require_photos()


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(data_prefix=dict(img_path='im', seg_map_path='ann')), ['/im does not']),
        (dict(data_root='/nowhere'), ['/nowhere/img and /nowhere/ann does not']),
        (dict(ann_file='train.txt'), ['train.txt does not']),
        (dict(img_suffix='.bmp'), ['no samples', 'img holds no *.bmp files']),
        (
            dict(type='PascalVOCDataset', ann_file='train.txt', metainfo=None),
            ['PascalVOCDataset: ', 'train.txt does not'],
        ),
        (
            dict(
                type='iSAIDDataset',
                metainfo=None,
                data_prefix=dict(img_path='im', seg_map_path='ann'),
            ),
            ['iSAIDDataset: ', '/im does not'],
        ),
    ],
)
def test_what_is_missing_of_a_data_set_is_named(generated, change, words):
    generated['source'].update(change)
    expect(generated, *words, 'set data_root', error=FileNotFoundError)


def test_a_data_set_without_label_maps_is_an_error(generated):
    generated['source']['data_prefix'] = dict(img_path='img')
    expect(generated, 'no label maps', 'data_prefix.seg_map_path')


def test_a_sample_of_the_split_without_label_file_is_named(generated, tmp_path):
    generated['source']['ann_file'] = 'names.txt'
    (tmp_path / 'names.txt').write_text('0\n1\nzebra\n')
    expect(generated, str(tmp_path / 'ann' / 'zebra.png'), 'is missing')


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'0\r\n1\r\n\r\n2\r\n', 'empty line'),
        (b'0\n1\n\n', 'empty line'),
        ('0\r\n1\r\n'.encode('utf-8-sig'), 'byte order mark'),
        ('0\r\n1\r\n'.encode('utf-16'), 'UTF-8'),
    ],
)
def test_a_list_of_another_editor_is_named_with_the_remedy(
    generated, tmp_path, content, words
):
    generated['source']['ann_file'] = 'names.txt'
    (tmp_path / 'names.txt').write_bytes(content)
    expect(generated, str(tmp_path / 'names.txt'), words)


def test_lists_with_the_line_ends_of_windows_are_read(generated, tmp_path):
    generated['source']['ann_file'] = 'names.txt'
    (tmp_path / 'names.txt').write_bytes(b'0\r\n1\r\n2')
    assert len(lazily(generated).label_source()) == 3


@pytest.mark.parametrize('size', [(24, 1), (1, 32), (1, 1)])
def test_maps_one_pixel_wide_or_high_are_named(generated, tmp_path, size):
    for folder, shape in (('img', (*size, 3)), ('ann', size)):
        save(tmp_path / folder / '4.png', np.zeros(shape, np.uint8))
    expect(generated, '4.png is one pixel wide or high', 'pad photo and label map')
