"""Data sets of photos and label maps in folders of their own."""

import os.path as osp
from typing import List

import mmengine.fileio as fileio
from mmseg.datasets import BaseSegDataset

from mmseg_ganaug.class_option_checks import check_ignore_index
from mmseg_ganaug.option_checks import check_text


class PairedFoldersDataset(BaseSegDataset):
    """Adds instance maps and clear errors to MMSeg's data set of folders.

    Photos, label maps and, optionally, instance maps have the same names in different
    folders. ``data_prefix`` takes ``inst_map_path`` beside MMSeg's ``img_path`` and
    ``seg_map_path``; every data info then has ``inst_map_path``, too, the path of a
    single-channel PNG with integer ids, 0 where there is no instance.

    Args:
        img_suffix (str): Suffix of the photos. Defaults to '.png'.
        seg_map_suffix (str): Suffix of the label maps. Defaults to '.png'.
        ignore_index (int): Label value of pixels of no class, 0..255. Defaults to 255.
        **kwargs: See :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        FileNotFoundError: When a folder or the split file is missing.
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        ignore_index: int = 255,
        **kwargs,
    ) -> None:
        super().__init__(
            img_suffix=check_text(self, 'img_suffix', img_suffix),
            seg_map_suffix=check_text(self, 'seg_map_suffix', seg_map_suffix),
            ignore_index=check_ignore_index(self, 'ignore_index', ignore_index),
            **kwargs,
        )

    def _how_to_get(self) -> str:
        """Says what to do when files are missing; a sentence for messages."""
        return 'Set data_root and data_prefix to where the files are.'

    def load_data_list(self) -> List[dict]:
        """Lists the samples.

        Returns:
            list[dict]: Data infos as MMSeg's, with ``inst_map_path`` where the prefix
            is set.

        Raises:
            FileNotFoundError: When a folder or the split file is missing or holds no
                sample; names it and says how to get the data.
        """
        for key in ('img_path', 'seg_map_path', 'inst_map_path'):
            folder = self.data_prefix.get(key)
            if folder is not None and not fileio.isdir(folder, self.backend_args):
                raise self._missing(f'there is no folder {folder} ({key})')
        if self.ann_file and not fileio.exists(self.ann_file, self.backend_args):
            raise self._missing(f'there is no file {self.ann_file} (ann_file)')
        data_list = super().load_data_list()
        photos = self.data_prefix['img_path']
        if not data_list:
            place = self.ann_file or f'{photos} (img_path, *{self.img_suffix})'
            raise self._missing(f'there is no sample in {place}')
        instances = self.data_prefix.get('inst_map_path')
        if instances is not None:
            for info in data_list:
                name = osp.relpath(info['img_path'], photos)[: -len(self.img_suffix)]
                info['inst_map_path'] = osp.join(instances, name + '.png')
        return data_list

    def _missing(self, what: str) -> FileNotFoundError:
        return FileNotFoundError(f'{type(self).__name__}: {what}. {self._how_to_get()}')
