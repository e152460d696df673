"""Style transfer between training photos, a baseline."""

from typing import Any, Mapping, Optional, Sequence

import mmcv
import numpy as np
from mmseg.datasets.transforms import Albu

from mmseg_ganaug.datasets.photo_form import check_colour
from mmseg_ganaug.option_checks import check_share
from mmseg_ganaug.registry import TRANSFORMS


@TRANSFORMS.register_module()
class StyleTransfer(Albu):
    """Gives a photo the look of another photo of the data set; labels stay.

    Albumentations does it: ``FDA`` swaps low frequencies of the spectrum (Yang and
    Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020),
    ``PixelDistributionAdaptation`` fits the principal components of the colours.

    Required and modified key: ``img``.

    Args:
        source (dict): Config of the MMSeg data set whose photos give the styles: the
            one that the pipeline belongs to. Its ``pipeline`` needs the loading
            transforms alone, and may be left out where these are MMSeg's own.
        prob (float): Share (0..1) of the photos that get a style. Defaults to 0.5.
        transforms (Sequence[dict], optional): Albumentations' transforms of which one
            is drawn; each is given ``reference_images``. Defaults to None: the two
            above, with ``beta_limit=0.05`` and a blend of 0.25 to 0.75.

    Raises:
        FileNotFoundError: When the source holds no samples.
        ImportError: When albumentations is not installed.
    """

    def __init__(
        self,
        source: Mapping[str, Any],
        prob: float = 0.5,
        transforms: Optional[Sequence[Mapping[str, Any]]] = None,
    ) -> None:
        # The data sets import the transforms.
        from mmseg_ganaug.datasets.label_source import DatasetLabelSource
        from mmseg_ganaug.datasets.source_dataset import build_source

        check_share(self, 'prob', prob)
        styles = DatasetLabelSource(build_source(source))
        styles.require_photos()
        if transforms is None:
            transforms = [
                dict(type='FDA', beta_limit=0.05),
                dict(type='PixelDistributionAdaptation', blend_ratio=(0.25, 0.75)),
            ]
        self._styles = styles
        # OneOf weighs its transforms by their p; each of them is then applied.
        photos = dict(reference_images=range(len(styles)), read_fn=self._style)
        choices = [dict(t, **photos, p=1.0) for t in transforms]
        super().__init__(
            transforms=[dict(type='OneOf', transforms=choices, p=prob)],
            keymap=dict(img='image'),
        )

    def _style(self, index: int) -> np.ndarray:
        """Reads a photo in the channel order of Albumentations, RGB."""
        photo = self._styles.photo(index)
        check_colour(photo, self._styles.photo_name(index), type(self).__name__)
        return mmcv.bgr2rgb(photo)
