import numpy as np
import pytest
import torch

from mmseg_ganaug.synthesis.batches import BatchHalving, by_shape, is_out_of_memory

MAPS = np.arange(11 * 6, dtype=np.uint8).reshape(11, 2, 3)
ERRORS = [
    torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB'),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"),
    RuntimeError('CUDA error: out of memory\nCUDA kernel errors might be reported'),
    RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'),
    MemoryError(),
]


class Painter:
    """Fits a number of maps into memory."""

    def __init__(self, fits, error=ERRORS[0]):
        self.fits = fits
        self.error = error
        self.sizes = []

    def __call__(self, label_maps, instance_maps):
        self.sizes.append(len(label_maps))
        if len(label_maps) > self.fits:
            raise self.error
        return np.stack([label_maps] * 3, axis=-1)


@pytest.mark.parametrize('error', ERRORS, ids=lambda error: type(error).__name__)
def test_batch_is_halved_until_it_fits(error):
    painter = Painter(fits=3, error=error)
    photos = BatchHalving('').run(painter, MAPS, None)
    np.testing.assert_array_equal(photos, np.stack([MAPS] * 3, axis=-1))
    assert painter.sizes == [11, 5, 2, 2, 2, 2, 2, 1]


def test_size_that_fitted_is_remembered():
    painter, halving = Painter(fits=4), BatchHalving('')
    halving.run(painter, MAPS[:8], None)
    painter.sizes.clear()
    halving.run(painter, MAPS, None)
    assert painter.sizes == [4, 4, 3]


def test_of_smaller_maps_as_many_pixels_are_taken():
    painter, halving = Painter(fits=4), BatchHalving('')
    halving.run(painter, MAPS[:8], None)
    painter.sizes.clear()
    painter.fits = 100
    halving.run(painter, np.zeros((20, 1, 3), np.uint8), None)
    halving.run(painter, np.zeros((3, 9, 9), np.uint8), None)
    assert painter.sizes == [8, 8, 4, 1, 1, 1]


def test_instance_maps_are_cut_with_the_label_maps():
    seen = []

    def work(label_maps, instance_maps):
        np.testing.assert_array_equal(label_maps, instance_maps)
        seen.append(len(label_maps))
        if len(label_maps) > 1:
            raise MemoryError
        return label_maps

    BatchHalving('').run(work, MAPS[:3], MAPS[:3].astype(np.int32))
    assert seen == [3, 1, 1, 1]


def test_one_map_that_does_not_fit_is_an_error_that_says_what_to_do():
    with pytest.raises(
        MemoryError, match=r'one label map of 2 x 3 .*Tried to allocate.*: use tiles'
    ):
        BatchHalving('use tiles').run(Painter(fits=0), MAPS, None)


def test_other_errors_are_not_retried():
    painter = Painter(fits=0, error=RuntimeError('device-side assert triggered'))
    with pytest.raises(RuntimeError, match='device-side assert'):
        BatchHalving('').run(painter, MAPS, None)
    assert painter.sizes == [11]


def test_allocator_of_the_cpu_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


def test_arrays_of_one_shape_come_together_in_their_order():
    arrays = [np.zeros(shape) for shape in ((2, 3), (3, 2), (2, 3), (4,), (3, 2))]
    assert by_shape(arrays) == [[0, 2], [1, 4], [3]]
    assert by_shape([]) == []
