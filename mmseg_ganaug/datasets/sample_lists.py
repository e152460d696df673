"""Faults of the lists that name the samples of a data set, told in their own words.

MMSeg takes an empty line for a name, and a byte order mark for a part of one: the files
that it then misses have never been there.
"""

import os.path as osp

from mmseg.datasets import BaseSegDataset

_BYTE_ORDER_MARK = '\ufeff'


def undecodable_list(part: BaseSegDataset, error: UnicodeDecodeError) -> ValueError:
    """Returns the error for a list that is no text.

    Args:
        part (BaseSegDataset): The data set.
        error (UnicodeDecodeError): What reading its list raised.
    """
    return ValueError(
        f'{part.ann_file} cannot be read ({error.reason}, byte {error.start}): save '
        'the list of the samples as a text file in UTF-8'
    )


def check_listed_names(part: BaseSegDataset) -> None:
    """Checks that a list names samples alone.

    Args:
        part (BaseSegDataset): The data set; its list has been read.

    Raises:
        ValueError: When a line is empty, or the first begins with a byte order mark.
            Names the list.
    """
    for index in range(len(part)) if part.ann_file else ():
        path = str(part.get_data_info(index).get('img_path'))
        if osp.basename(path) == part.img_suffix:
            raise ValueError(
                f'{part.ann_file} has an empty line, which MMSeg takes for the name of '
                'a sample: take it out'
            )
        if _BYTE_ORDER_MARK in path and not osp.exists(path):
            raise ValueError(
                f'{part.ann_file} begins with a byte order mark, which MMSeg takes for '
                'a part of the first name: save it as UTF-8 without BOM'
            )
