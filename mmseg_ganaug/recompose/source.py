"""Sources of label maps, and checks of what they hold."""

from typing import List, Optional, Protocol, Sequence, Tuple

import numpy as np

from mmseg_ganaug.class_option_checks import (
    MOST_CLASSES,
    check_ignore_index,
    check_num_classes,
)
from mmseg_ganaug.option_checks import Owner
from mmseg_ganaug.recompose.layers import bands


class LabelValueError(ValueError):
    """A label map or instance map holds something it must not hold."""


class LabelSource(Protocol):
    """A numbered collection of label maps.

    Recombination reads label maps through this protocol only, so any data set can
    serve as a source. To be read by several processes, a source must survive
    pickling. Its properties may be plain attributes.
    """

    @property
    def num_classes(self) -> int:
        """Number of classes C, 1..255."""

    @property
    def ignore_index(self) -> int:
        """Label value of pixels without a class, 0..255."""

    @property
    def class_names(self) -> Sequence[str]:
        """C class names."""

    def __len__(self) -> int:
        """Returns the number of label maps."""

    def label_map(self, index: int) -> np.ndarray:
        """Returns label map ``index``: uint8 [H, W], values 0..C-1 and ignore_index."""

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Returns instance map ``index``: int32 [H, W], 0 = no instance, or None."""

    def name(self, index: int) -> str:
        """Returns the label file of map ``index``, for messages."""


class PhotoSource(LabelSource, Protocol):
    """Label maps whose photos can be read too, to recombine real pixels."""

    def photo(self, index: int) -> np.ndarray:
        """Returns a photo: uint8 or uint16 [H, W, bands], as large as its map.

        Where it is painted or harmonised, it has to be BGR uint8 [H, W, 3].
        """


class MemoryLabelSource:
    """Label maps held in memory, for tests and small sets.

    Args:
        label_maps: uint8 [H, W] arrays with values 0..C-1 and ``ignore_index``.
        num_classes: Number of classes C, 1..255.
        ignore_index: Label value of pixels without a class, 0..255.
        class_names: C names; default ``class 0``, ``class 1``, ...
        instance_maps: int32 [H, W] arrays or None, one per label map.
        names: One name per label map, for messages.
        photos: uint8 or uint16 [H, W, bands] arrays, one per label map, where real
            pixels are to be recombined.

    Raises:
        ValueError: If the sequences differ in length, or a number is out of range.
        LabelValueError: If a map is not valid.
    """

    def __init__(
        self,
        label_maps: Sequence[np.ndarray],
        num_classes: int,
        ignore_index: int = 255,
        class_names: Optional[Sequence[str]] = None,
        instance_maps: Optional[Sequence[Optional[np.ndarray]]] = None,
        names: Optional[Sequence[str]] = None,
        photos: Optional[Sequence[np.ndarray]] = None,
    ) -> None:
        self._label_maps = list(label_maps)
        count = len(self._label_maps)
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.class_names = list(class_names or default_class_names(num_classes))
        self._instance_maps = list(instance_maps or [None] * count)
        self._names = list(names or (f'label map {i}' for i in range(count)))
        self._photos = list(photos or [None] * count)
        for what, values, wanted in (
            ('class_names', self.class_names, num_classes),
            ('instance_maps', self._instance_maps, count),
            ('names', self._names, count),
            ('photos', self._photos, count),
        ):
            if len(values) != wanted:
                raise ValueError(f'{what}: {wanted} needed, {len(values)} given')
        for index in range(count):
            shape = read_label_map(self, index).shape
            read_instance_map(self, index, shape)

    def __len__(self) -> int:
        return len(self._label_maps)

    def label_map(self, index: int) -> np.ndarray:
        """Returns a label map, see :class:`LabelSource`."""
        return self._label_maps[index]

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Returns an instance map, see :class:`LabelSource`."""
        return self._instance_maps[index]

    def name(self, index: int) -> str:
        """Returns the name of a label map, see :class:`LabelSource`."""
        return self._names[index]

    def photo(self, index: int) -> np.ndarray:
        """Returns a photo, see :class:`PhotoSource`."""
        return self._photos[index]


def check_source(source: LabelSource, owner: Owner = 'label maps') -> None:
    """Checks that 8-bit label maps can hold the classes of a source.

    Args:
        source: The label maps; none is read.
        owner: Whose source it is, for the message.

    Raises:
        ValueError: If there are more than 255 classes, or no pixel can have the
            ignore index.
    """
    check_num_classes(owner, 'num_classes', source.num_classes)
    check_ignore_index(owner, 'ignore_index', source.ignore_index)


def default_class_names(num_classes: int) -> List[str]:
    """Makes names for classes that have none."""
    return [f'class {class_id}' for class_id in range(num_classes)]


def check_label_map(
    label_map: np.ndarray, num_classes: int, ignore_index: int, name: str
) -> None:
    """Checks one label map.

    Args:
        label_map: What was read from the label file.
        num_classes: Number of classes C.
        ignore_index: Label value of pixels without a class.
        name: The label file, for the message.

    Raises:
        LabelValueError: If it is not uint8 [H, W] with values 0..C-1 and
            ``ignore_index``.
    """
    check_form(label_map, name)
    # Two vectorised passes instead of a histogram: ten times faster. Where 255 is
    # ignored, adding 1 wraps it to 0 and leaves the classes at 1..C.
    valid = label_map.max() < num_classes + (ignore_index == num_classes)
    if not valid and ignore_index == 255:
        one = np.uint8(1)
        valid = all(
            (label_map[rows] + one).max() <= num_classes
            for rows in bands(label_map.shape)
        )
    if not valid:
        check_histogram(histogram(label_map), num_classes, ignore_index, name)


def check_form(label_map: np.ndarray, name: str) -> None:
    """Checks that an array is uint8 [H, W]; see :func:`check_label_map`."""
    if label_map.ndim != 2:
        raise LabelValueError(
            f'{name}: a label map has one channel [H, W], this one has the shape '
            f'{list(label_map.shape)}. Convert colours to class ids first.'
        )
    if label_map.dtype != np.uint8:
        raise LabelValueError(
            f'{name}: a label map is 8-bit (uint8), this one is {label_map.dtype}. '
            'Save the class ids as an 8-bit PNG (instance ids go to a file of '
            'their own).'
        )
    if label_map.size == 0:
        raise LabelValueError(f'{name}: the label map is empty')


def histogram(label_map: np.ndarray) -> np.ndarray:
    """Counts the values of a uint8 array: int64 [256]."""
    import cv2

    # Three times as fast as np.bincount. Its float32 counts are exact to 2**24.
    if label_map.size < 2**24:
        counts = cv2.calcHist([label_map], [0], None, [256], [0, 256])
        return counts.ravel().astype(np.int64)  # [256, 1]; [256] from OpenCV 5 on
    return np.bincount(label_map.ravel(), minlength=256)


def check_histogram(
    counts: np.ndarray, num_classes: int, ignore_index: int, name: str
) -> None:
    """Checks the values of a label map by its histogram.

    Args:
        counts: int [256], pixels per label value.
        num_classes: Number of classes C.
        ignore_index: Label value of pixels without a class.
        name: The label file, for the message.

    Raises:
        LabelValueError: If a value is neither 0..C-1 nor ``ignore_index``.
    """
    wrong = np.flatnonzero(counts)
    wrong = wrong[(wrong >= num_classes) & (wrong != ignore_index)]
    if len(wrong):
        values = ', '.join(str(value) for value in wrong[:8])
        values += ', ...' if len(wrong) > 8 else ''
        raise LabelValueError(
            f'{name}: label value {values} found ({counts[wrong].sum()} pixels), but '
            f'only 0..{num_classes - 1} and the ignore index {ignore_index} may '
            f'occur. {label_value_remedies(wrong, num_classes, ignore_index)}'
        )


def label_value_remedies(
    values: Sequence[int], num_classes: int, ignore_index: int
) -> str:
    """Returns what can be done about label values that are no class.

    Args:
        values: The label values that are neither a class nor ignored.
        num_classes: Number of classes C.
        ignore_index: Label value of pixels without a class.

    Returns:
        One sentence a remedy, each of which MMSegmentation 1.x knows.
    """
    values = sorted(int(value) for value in values)
    remedies = []
    if len(values) == 1:
        remedies.append(
            f'If these pixels have no class, set ignore_index={values[0]} in place of '
            f'{ignore_index} in the data set, in the heads of the model and in the '
            'metrics.'
        )
    if values == [num_classes]:
        remedies.append(
            f'If the classes are 1..{num_classes} and 0 is no class, set '
            'reduce_zero_label=True in the data set.'
        )
    # A value far above the classes is seldom a class.
    if values[-1] < min(MOST_CLASSES, 2 * num_classes + 16):
        remedies.append(
            f'If they are classes, name all {values[-1] + 1} in the data set by '
            'metainfo=dict(classes=(...)).'
        )
    remedies.append(
        'Otherwise convert the label files (the scripts in tools/dataset_converters '
        'of MMSegmentation show how), or replace LoadAnnotations with your own '
        f'loading transform that maps the values to 0..{num_classes - 1}.'
    )
    return ' '.join(remedies)


def read_label_map(
    source: LabelSource, index: int, check_values: bool = True
) -> np.ndarray:
    """Reads and checks a label map of a source: uint8 [H, W].

    Args:
        source: The label maps.
        index: Number of the map.
        check_values: Check the values too, not only type and shape.

    Raises:
        LabelValueError: See :func:`check_label_map`.
    """
    label_map, name = source.label_map(index), source.name(index)
    if check_values:
        check_label_map(label_map, source.num_classes, source.ignore_index, name)
    else:
        check_form(label_map, name)
    return label_map


def read_instance_map(
    source: LabelSource, index: int, shape: Tuple[int, ...]
) -> Optional[np.ndarray]:
    """Reads and checks an instance map of a source: int32 [H, W], or None.

    Args:
        source: The label maps.
        index: Number of the map.
        shape: Height and width of its label map.

    Raises:
        LabelValueError: If it is not integer [H, W] of the size of its label map,
            or holds negative ids.
    """
    instance_map = source.instance_map(index)
    if instance_map is None:
        return None
    name = source.name(index)
    if not np.issubdtype(instance_map.dtype, np.integer):
        raise LabelValueError(
            f'{name}: its instance map is {instance_map.dtype}, integer ids expected'
        )
    if instance_map.shape != shape:
        raise LabelValueError(
            f'{name}: the label map is {list(shape)}, its instance map '
            f'{list(instance_map.shape)}; both must be of one size'
        )
    instance_map = instance_map.astype(np.int32, copy=False)
    if instance_map.min() < 0:
        raise LabelValueError(
            f'{name}: its instance map holds the id {instance_map.min()}; ids are '
            '> 0, and 0 means no instance'
        )
    return instance_map


def objects_of(
    source: LabelSource, index: int, instance_map: Optional[np.ndarray]
) -> Optional[np.ndarray]:
    """Takes ids that are no objects' out of an instance map.

    Cityscapes gives pixels without an instance the id of their class; in a painter's
    edges these are areas, but no road is an object. A source with such files has
    ``first_instance(index)``, the smallest id of an instance in a map.

    Args:
        source: The label maps.
        index: Number of the map.
        instance_map: int32 [H, W], its instance map, or None.

    Returns:
        int32 [H, W], 0 = no instance; None where there is no instance map.
    """
    find = getattr(source, 'first_instance', None)
    if instance_map is None or find is None:
        return instance_map
    first = find(index)
    return (
        instance_map if first <= 1 else np.where(instance_map < first, 0, instance_map)
    )


def read_photo(source: PhotoSource, index: int, shape: Tuple[int, ...]) -> np.ndarray:
    """Reads and checks a photo of a source: uint8 or uint16 [H, W, bands].

    Args:
        source: The label maps and photos.
        index: Number of the photo.
        shape: Height and width of its label map.

    Raises:
        LabelValueError: If it is not of the size of its label map.
    """
    photo = source.photo(index)
    if photo.ndim != 3 or photo.shape[:2] != tuple(shape):
        raise LabelValueError(
            f'{source.name(index)}: the label map is {list(shape)}, its photo '
            f'{list(photo.shape)}; both must be of one size, the photo with an axis of '
            'bands'
        )
    return photo
