"""Label maps of an MMSeg data set, as its own pipeline loads them."""

import copy
import hashlib
import os
from functools import cached_property
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import mmcv
import mmengine.fileio as fileio
import numpy as np

from mmseg_ganaug.datasets.file_records import Content
from mmseg_ganaug.datasets.file_survey import (
    SampleFile,
    digest_of_files,
    survey_labels,
    survey_photos,
)
from mmseg_ganaug.datasets.label_files import (
    MissingFileError,
    check_instance_map,
    check_photo_is_there,
    check_photo_size,
    check_sizes,
    find_instance_path,
    first_instance,
    have_instances,
    is_remote,
    loading_error,
    read_header,
)
from mmseg_ganaug.datasets.photo_form import (
    PhotoForm,
    shown_photo,
    stored_photo,
)
from mmseg_ganaug.datasets.reading import unify_ignored
from mmseg_ganaug.datasets.source_dataset import SourceDataset
from mmseg_ganaug.recompose.placement import resize_bands


class DatasetLabelSource:
    """A :class:`~mmseg_ganaug.recompose.LabelSource` over an MMSeg data set.

    Label maps and photos are what the data set's own pipeline loads, see
    :class:`~mmseg_ganaug.datasets.reading.PipelineReader`. MMSeg writes 255 for what
    ``reduce_zero_label`` and ``metainfo`` leave out; where ``ignore_index`` is another,
    it is this one here.

    Args:
        dataset (BaseSegDataset): A built data set, or wrappers of some: see
            :class:`SourceDataset` for what counts.
        scale (tuple[int, int], optional): Width and height in pixels to which the maps
            are resized (nearest). Defaults to None: as they are.
        instance_path (tuple[str, str], optional): What to replace in a label file's
            path, and by what, to get the file of its instance map, for data sets that
            give no ``inst_map_path``. Defaults to None.
    """

    def __init__(
        self,
        dataset: Any,
        scale: Optional[Tuple[int, int]] = None,
        instance_path: Optional[Tuple[str, str]] = None,
    ) -> None:
        self._dataset = SourceDataset.of(dataset)
        self.scale = tuple(scale) if scale else None
        self._instance_path = instance_path
        self._verify = False
        self._need_photos = False
        self._digests: Dict[str, str] = {}
        self._contents: List[Content] = []
        # Read often; a data set would copy its metainfo each time.
        self._class_names = tuple(self._dataset.metainfo['classes'])

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes, in the order of their ids."""
        return self._class_names

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self._class_names)

    @property
    def ignore_index(self) -> int:
        """Label value of pixels that belong to no class."""
        return self._dataset.ignore_index

    @cached_property
    def has_instances(self) -> bool:
        """True if all of the joined data sets have instance maps."""
        return have_instances(self._dataset.first_infos(), self._instance_path)

    def __len__(self) -> int:
        return len(self._dataset)

    def verified(self, need_photos: bool = False) -> 'DatasetLabelSource':
        """Returns these label maps with the sizes of a sample's files compared.

        Args:
            need_photos (bool): Whether a missing photo is an error. Sizes are compared
                where the photo is there in any case. Defaults to False.

        Returns:
            DatasetLabelSource: A copy that checks.
        """
        checked = copy.copy(self)
        checked._verify = True
        checked._need_photos = need_photos
        return checked

    def full_size(self) -> 'DatasetLabelSource':
        """Returns these label maps as their files hold them, whatever the scale."""
        whole = copy.copy(self)
        whole.scale = None
        return whole

    def name(self, index: int) -> str:
        """Returns the path of a label file, for messages."""
        return self._info(index)['seg_map_path']

    def photo_name(self, index: int) -> str:
        """Returns the path of a photo, for messages."""
        return self._info(index)['img_path']

    def label_map(self, index: int) -> np.ndarray:
        """Loads a label map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 ``[H, W]``. The caller checks its values.

        Raises:
            MissingFileError: When photos are needed and this one is missing.
            ValueError: Names the file where it cannot be read or, if verified, where
                it differs in size from its photo.
        """
        number, info = self._dataset.locate(index)
        label_map = self._dataset.reader(number).label_map(info)
        path = info['img_path']
        # Of others only their loading transform knows the size.
        stock = self._dataset.reader(number).stock_photos
        if self._verify and stock and not self._is_remote(number, path):
            backend_args = self._dataset.parts[number].backend_args
            check_photo_size(info, label_map, backend_args, self._need_photos)
        unify_ignored(label_map, info, self.ignore_index)
        return self._resize(label_map)

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Loads an instance map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray | None: int32 ``[H, W]``, 0 where there is no instance; None for
            data sets without instance maps.

        Raises:
            ValueError: Names the file where it is missing or unreadable or, if
                verified, has several channels or not the size of the label map.
        """
        if not self.has_instances:
            return None
        number, info = self._dataset.locate(index)
        path = find_instance_path(info, self._instance_path)
        backend_args = self._dataset.parts[number].backend_args
        if self._verify:
            check_instance_map(
                read_header(path, backend_args),
                read_header(info['seg_map_path'], backend_args),
            )
        try:
            content = fileio.get(path, backend_args=backend_args)
            instance_map = mmcv.imfrombytes(content, flag='unchanged', backend='pillow')
        except (OSError, SyntaxError) as error:
            raise loading_error(path, error) from error
        return self._resize(instance_map.astype(np.int32))

    def first_instance(self, index: int) -> int:
        """Returns the smallest id of an instance in an instance map."""
        _, info = self._dataset.locate(index)
        return first_instance(find_instance_path(info, self._instance_path))

    def photo(self, index: int) -> np.ndarray:
        """Loads a photo.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 or uint16 ``[H, W, bands]`` at the size of the label map;
            BGR where the data set's loading transform gives that.

        Raises:
            MissingFileError: Names the photo that is missing.
            ValueError: Names the file that is no image, or that the data set loads
                with other bands or bits than the first, or as no whole numbers.
        """
        number, info = self._dataset.locate(index)
        path, label_path = info['img_path'], info['seg_map_path']
        check_photo_is_there(path, label_path, self._is_remote(number, path))
        reader = self._dataset.reader(number)
        image = reader.photo(info)
        if not reader.stock_photos and PhotoForm.of(image) != self.photo_form:
            raise ValueError(
                f'{path} is loaded as {PhotoForm.of(image)}, but {self.photo_name(0)} '
                f'as {self.photo_form}: photos that are recombined must have the same '
                'bands and bits'
            )
        image = stored_photo(image, path, reader.eight_bits)
        if self.scale and image.shape[1::-1] != self.scale:
            image = resize_bands(image, self.scale[::-1], cv2.INTER_AREA)
        return np.ascontiguousarray(image)

    def shown_photo(self, index: int) -> np.ndarray:
        """Makes a picture of a photo for people: uint8 BGR ``[H, W, 3]``."""
        return shown_photo(self.photo(index))

    @cached_property
    def photo_form(self) -> PhotoForm:
        """Type and bands in which the data set's transforms load the first photo."""
        number, info = self._dataset.locate(0)
        return PhotoForm.of(self._dataset.reader(number).photo(info))

    def check_photos(self) -> None:
        """Decodes every photo that is there and not known to be whole.

        Raises:
            ValueError: When a photo cannot be used, or has not the size of its label
                map; names all of them, or the two.
        """
        missing = set(self.missing_photos())
        if not missing:
            self.photos_digest()
            return
        self._survey_photos([i for i in range(len(self)) if i not in missing])

    def photos_digest(self) -> str:
        """Checks the photos; returns a digest of contents and loading steps.

        Returns:
            str: sha256 in hexadecimal.

        Raises:
            MissingFileError: When photos are missing.
            ValueError: See :meth:`check_photos`.
        """
        if 'photos' not in self._digests:
            self.require_photos()
            photos, contents = self._survey_photos(range(len(self)))
            self._digests['photos'] = digest_of_files(photos, contents)
        return self._digests['photos']

    def _survey_labels(self) -> List[Content]:
        if not self._contents:
            # Stored in the list that copies of this object share.
            self._contents += survey_labels(self._label_files)
        return self._contents

    def _survey_photos(
        self, indices: Sequence[int]
    ) -> Tuple[List[SampleFile], List[Content]]:
        files, known = self._label_files, self._survey_labels()
        labels = [files[index] for index in indices]
        photos = [file._replace(path=file.info['img_path']) for file in labels]
        contents = survey_photos(photos)
        for label, photo, of_label, of_photo in zip(
            labels, photos, (known[index] for index in indices), contents
        ):
            sizes = of_photo.facts.get('size'), of_label.facts.get('size')
            if sizes[0] and sizes[1]:
                check_sizes(photo.path, sizes[0], label.path, sizes[1])
        return photos, contents

    def missing_photos(self) -> List[int]:
        """Looks up which photos are not there.

        Returns:
            list[int]: Their indices; photos behind a remote file backend, which would
            have to be fetched to know, count as there.
        """
        missing = []
        for index in range(len(self)):
            number, info = self._dataset.locate(index)
            path = info['img_path']
            there = self._is_remote(number, path) or os.path.exists(path)
            # If there are only label maps, they stand in for the photos.
            if not there or path == info['seg_map_path']:
                missing.append(index)
        return missing

    def require_photos(self) -> None:
        """Checks that all photos are there, for those who need them.

        Raises:
            MissingFileError: Says how many are missing, and names the first.
        """
        missing = self.missing_photos()
        if missing:
            first = missing[0]
            raise MissingFileError(
                f'{len(missing)} of {len(self)} photos are missing, and are needed '
                f'here; the first is {self.photo_name(first)} (the photo of '
                f'{self.name(first)}): restore them, or take their samples out of the '
                'data set'
            )

    def files_digest(self) -> str:
        """Checks the label files; returns a digest of contents and loading steps.

        Returns:
            str: sha256 in hexadecimal; the same for equal files at another place.

        Raises:
            MissingFileError: When files are missing.
            ValueError: When label files cannot be used; names all of them.
        """
        if 'labels' not in self._digests:
            self._dataset.full_init()
            settings: List[Any] = [self.scale, self._class_names, self.ignore_index]
            for part in self._dataset.parts:
                settings += [len(part), part.reduce_zero_label, part.label_map]
            contents = self._survey_labels()
            if self.has_instances:
                for index in range(len(self)):
                    number, info = self._dataset.locate(index)
                    path = find_instance_path(info, self._instance_path)
                    settings.append(self._bytes_digest(number, path))
                    settings += [first_instance(path)] * (first_instance(path) > 1)
            self._digests['labels'] = digest_of_files(
                self._label_files, contents, settings
            )
        return self._digests['labels']

    def label_contents(self) -> List[str]:
        """Returns a digest of each label map, '' for remote ones, which may change."""
        files = self._label_files
        return [
            '' if file.is_remote else content.digest
            for file, content in zip(files, self._survey_labels())
        ]

    def known_digests(self) -> Dict[str, str]:
        """Returns the digests computed so far, for another process."""
        return dict(self._digests)

    def adopt_digests(self, digests: Dict[str, str]) -> None:
        """Takes over the digests that another process computed of these files."""
        self._digests.update(digests)

    def reading_settings(self) -> str:
        """Describes how label values are read from the files, whatever the scale."""
        return self._dataset.reading_settings()

    @property
    def _label_files(self) -> List[SampleFile]:
        files = []
        for index in range(len(self)):
            number, info = self._dataset.locate(index)
            files.append(
                SampleFile(
                    info['seg_map_path'],
                    self._dataset.parts[number].backend_args,
                    self._dataset.reader(number),
                    info,
                )
            )
        return files

    def _bytes_digest(self, number: int, path: str) -> str:
        if self._is_remote(number, path):
            return path
        try:
            with open(path, 'rb') as file:
                return hashlib.sha256(file.read()).hexdigest()
        except OSError as error:
            raise loading_error(path, error) from error

    def _is_remote(self, number: int, path: str) -> bool:
        backend_args = self._dataset.parts[number].backend_args
        return is_remote(path, backend_args, *self._dataset.reader(number).backends)

    def _info(self, index: int) -> dict:
        return self._dataset.locate(index)[1]

    def _resize(self, array: np.ndarray) -> np.ndarray:
        if self.scale is None or array.shape[::-1] == self.scale:
            return array
        return mmcv.imresize(array, self.scale, interpolation='nearest')
