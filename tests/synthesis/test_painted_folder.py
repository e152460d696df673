"""Photos from elsewhere: which are used, and what is said of the others."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_ganaug.synthesis import PaintedFolder, TooFewPhotosError
from mmseg_ganaug.synthesis.generator import PlannedSample

SIZE = (12, 20)
IDS = [f'0123456789ab-{number:06d}' for number in range(10)]
SAMPLES = [PlannedSample(name, SIZE) for name in IDS]


def photo_of(number):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'painted'
    path.mkdir()
    for number, name in enumerate(IDS):
        Image.fromarray(photo_of(number)).save(path / f'{name}.png')
    return path


def paint(painter, *numbers, size=SIZE):
    context = SimpleNamespace(ids=[IDS[number] for number in numbers])
    return painter.paint(np.zeros((len(numbers), *size), np.uint8), None, context)


def test_a_sample_is_painted_by_the_photo_of_its_id(folder):
    (folder / f'{IDS[4]}.png').rename(folder / f'{IDS[4]}.PNG')
    Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(folder / f'{IDS[5]}.jpeg')
    (folder / f'{IDS[5]}.png').unlink()
    painter = PaintedFolder(str(folder))
    painter.check(7, has_instances=False)
    assert painter.lacking(SAMPLES, 10) == []
    found = paint(painter, 7, 4, 5)
    np.testing.assert_array_equal(found[0], photo_of(7))
    np.testing.assert_array_equal(found[1], photo_of(4))
    assert abs(found[2].astype(int) - 90).max() < 3


def spoil(folder):
    """Makes one photo of each kind unusable."""
    path = [folder / f'{name}.png' for name in IDS]
    path[0].unlink()
    path[1].with_suffix('.jpg').write_bytes(path[1].read_bytes())
    path[2].write_bytes(path[2].read_bytes()[:-40])
    damaged = bytearray(path[3].read_bytes())
    damaged[200] ^= 1
    path[3].write_bytes(damaged)
    Image.fromarray(photo_of(4)[..., 0]).save(path[4])
    assert cv2.imwrite(str(path[5]), photo_of(5).astype(np.uint16) * 256)
    Image.fromarray(photo_of(6)[:, :-1]).save(path[6])
    Image.fromarray(photo_of(7)).save(folder / 'ba9876543210-000007.png')
    (folder / 'notes.txt').write_text('mine')


def test_what_cannot_be_used_is_named_with_a_remedy(folder, logged):
    spoil(folder)
    painter = PaintedFolder(str(folder), min_share=0.3)
    assert painter.lacking(SAMPLES, 10) == list(range(7))
    lines = [line for message in logged for line in message.splitlines()]
    for pattern in (
        f'3 of 10 photos of the plan are used from {folder}',
        f'1 missing: {IDS[0]}: paint them',
        f'1 duplicate: {folder}/{IDS[1]}.jpg, {folder}/{IDS[1]}.png: keep one',
        f'2 damaged: {folder}/{IDS[2]}.png (is damaged: it is truncated), '
        f'{folder}/{IDS[3]}.png (is damaged: the checksum',
        f'2 of another mode: {folder}/{IDS[4]}.png (L, 8 bits), {folder}/{IDS[5]}.png '
        '(RGB, 16 bits): save them as RGB',
        f'1 of another size: {folder}/{IDS[6]}.png (19 x 12, not 20 x 12): paint',
        f'1 extra: {folder}/ba9876543210-000007.png: not used',
    ):
        assert any(pattern in line for line in lines), (pattern, lines)
    assert (folder / 'notes.txt').read_text() == 'mine'


def test_too_few_photos_are_an_error_that_says_what_is_wrong(folder):
    spoil(folder)
    with pytest.raises(TooFewPhotosError, match=r'min_share=0\.9') as caught:
        PaintedFolder(str(folder)).lacking(SAMPLES, 10)
    assert caught.value.lacking == IDS[:7]
    assert '1 of another size' in str(caught.value)
    with pytest.raises(TooFewPhotosError, match='export-plan') as caught:
        PaintedFolder(str(folder / 'none')).lacking(SAMPLES, 10)
    assert caught.value.lacking == IDS
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(TooFewPhotosError, match='0 of 10'):
        PaintedFolder(str(folder), min_share=0).lacking(SAMPLES, 10)


def test_replacements_without_a_photo_are_no_problem(folder, logged):
    (folder / f'{IDS[9]}.png').unlink()
    painter = PaintedFolder(str(folder), min_share=1)
    assert painter.lacking(SAMPLES, 8) == [9]
    assert 'missing' not in '\n'.join(logged)
    np.testing.assert_array_equal(paint(painter, 8)[0], photo_of(8))


def test_the_fingerprint_names_the_folder_and_the_photos_used(folder):
    def fingerprint():
        painter = PaintedFolder(str(folder), min_share=0.5)
        painter.lacking(SAMPLES, 10)
        return painter.fingerprint()

    first = fingerprint()
    assert first.startswith('PaintedFolder painted: 10 photos, sha256 ')
    (folder / 'another.png').write_bytes(b'')
    assert fingerprint() == first
    Image.fromarray(photo_of(77)).save(folder / f'{IDS[0]}.png')
    other = fingerprint()
    (folder / f'{IDS[0]}.png').unlink()
    assert len({first, other, fingerprint()}) == 3


def test_what_it_does_not_paint_is_an_error(folder):
    painter = PaintedFolder(str(folder))
    context = SimpleNamespace(ids=['online-000001'])
    with pytest.raises(ValueError, match=r'no photo of online-000001.*not online'):
        painter.paint(np.zeros((1, *SIZE), np.uint8), None, context)
    painter.lacking(SAMPLES, 10)
    with pytest.raises(ValueError, match='leave windows out'):
        paint(painter, 3, size=(8, 8))
    Image.fromarray(photo_of(4)).save(folder / f'{IDS[3]}.png')
    with pytest.raises(ValueError, match=r'000003\.png was changed meanwhile'):
        paint(painter, 3)
