import pickle

import cv2
import numpy as np
import pytest

from mmseg_ganaug.synthesis.sample_files import (
    DamagedSampleError,
    image_damage,
    read_sample_label_map,
    read_sample_photo,
)

PHOTO = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 4, (16, 20), dtype=np.uint8)


@pytest.fixture(params=['photo.png', 'photo.jpg', 'labels.png'])
def sample_file(tmp_path, request):
    """Path of a file, what it shows, and the function that reads it."""
    path = tmp_path / request.param
    labels = path.stem == 'labels'
    image = LABELS if labels else PHOTO
    assert cv2.imwrite(str(path), image)
    shown = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return path, shown, read_sample_label_map if labels else read_sample_photo


def test_a_whole_file_is_read(sample_file):
    path, shown, read = sample_file
    np.testing.assert_array_equal(read(path), shown)
    np.testing.assert_array_equal(read(str(path)), shown)


def test_a_file_cut_anywhere_is_named_with_the_remedy(sample_file):
    path, _, read = sample_file
    content = path.read_bytes()
    for kept in range(len(content)):
        path.write_bytes(content[:kept])
        with pytest.raises(DamagedSampleError, match=r'ganaug synthesize .*verify'):
            read(path)
    path.write_bytes(content)
    read(path)


def test_any_flipped_bit_of_a_png_is_found(tmp_path):
    path = tmp_path / 'labels.png'
    assert cv2.imwrite(str(path), LABELS[:4, :5])
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        for bit in range(8):
            content[place] ^= 1 << bit
            path.write_bytes(content)
            with pytest.raises(DamagedSampleError, match=path.name):
                read_sample_label_map(path)
            content[place] ^= 1 << bit


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(DamagedSampleError, match=r'0\.png .* is missing: .*--verify'):
        read_sample_photo(tmp_path / '0.png')


def test_other_bytes_behind_the_image_are_found():
    content = cv2.imencode('.png', LABELS)[1].tobytes()
    assert image_damage(content) is None
    assert image_damage(content + b'x') == 'holds more than a PNG'


@pytest.mark.parametrize('image', [PHOTO, LABELS.astype(np.uint16) + 256])
def test_a_label_map_is_grey_and_has_eight_bits(tmp_path, image):
    assert cv2.imwrite(str(tmp_path / '0.png'), image)
    with pytest.raises(DamagedSampleError, match='not a label map'):
        read_sample_label_map(tmp_path / '0.png')


def test_the_error_passes_from_a_worker_process_to_its_parent():
    with pytest.raises(DamagedSampleError) as caught:
        read_sample_photo('gone.png')
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
