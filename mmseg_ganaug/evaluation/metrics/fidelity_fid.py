"""The Fréchet Inception Distance of generated photos, through MMagic's own metric."""

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmseg_ganaug.datasets.transforms.formatting import unpack_photo
from mmseg_ganaug.evaluation.metrics.options import check_metric
from mmseg_ganaug.option_checks import check_device, check_path, check_text
from mmseg_ganaug.registry import METRICS

_WEIGHTS_URL = (
    'https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/'
    'inception-2015-12-05.pt'
)


@METRICS.register_module()
class GeneratorFIDMetric(BaseMetric):
    """FID between the generated and the real photos of a validation set.

    MMagic's ``FrechetInceptionDistance`` asks for its own loops and data samples; here
    its network and its formula work in MMEngine's ``ValLoop``, beside
    :class:`GeneratorFidelityMetric`. Nothing is downloaded, and no features are kept
    on the disk.

    Source: Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017.
    The figure depends on the number of photos: compare only what has the same.

    Args:
        inception_path (str | Path): StyleGAN's TorchScript file of Inception-v3,
            ``inception-2015-12-05.pt``.
        domain (str): Domain of the generator that holds photos. Defaults to 'photo'.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.
        collect_device (str): See :class:`mmengine.evaluator.BaseMetric`.
        prefix (str, optional): See :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        FileNotFoundError: When the weights are missing; says where to get them.
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        inception_path: Union[str, Path],
        domain: str = 'photo',
        device: Optional[str] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        check_metric(self, collect_device, prefix)
        super().__init__(collect_device=collect_device, prefix=prefix)
        self._domain = check_text(self, 'domain', domain)
        device = check_device(self, 'device', device)
        inception_path = check_path(self, 'inception_path', inception_path)
        # MMagic would download it.
        if not Path(inception_path).is_file():
            raise FileNotFoundError(
                f'there are no Inception weights {inception_path}: get {_WEIGHTS_URL} '
                'and give its path as inception_path, or take GeneratorFIDMetric out '
                'of val_evaluator'
            )
        # Imported here: the metrics of segmentation must not wait for MMagic.
        from mmagic.evaluation import FrechetInceptionDistance

        self._fid = FrechetInceptionDistance(
            fake_nums=-1, inception_path=str(inception_path), prefix='FID'
        )
        self._fid.device = device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
        self._fid.inception.to(self._fid.device)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Computes the features of a batch.

        Args:
            data_batch (dict): The batch of the data loader, with the real photos (uint8
                RGB [3, H, W]) in ``inputs``.
            data_samples (Sequence[dict]): ``fake_photo`` (float BGR [3, H, W] in
                [0, 255]) each.
        """
        real = data_batch['inputs'][f'img_{self._domain}']
        for sample, photo in zip(data_samples, real):
            fake = sample[f'fake_{self._domain}'].round().clamp(0, 255)
            pair = fake, unpack_photo(photo)
            self.results.append(tuple(map(self._features, pair)))

    @torch.no_grad()
    def _features(self, photo: Tensor) -> Tensor:
        """Computes the features [1, D] of a photo, BGR [3, H, W] in 0..255."""
        return self._fid.forward_inception(photo[None]).float().cpu()

    def compute_metrics(self, results: List[Tuple[Tensor, Tensor]]) -> Dict[str, float]:
        """Computes the distance.

        Args:
            results (list[tuple[Tensor, Tensor]]): Features [1, D] of the generated and
                of the real photo, per sample.

        Returns:
            dict[str, float]: ``FID``: 0 for equal distributions, lower is better.

        Raises:
            ValueError: When there is but one photo.
        """
        if len(results) < 2:
            raise ValueError(
                f'FID compares distributions, but there is {len(results)} photo: '
                'validate on more'
            )
        moments = []
        for features in zip(*results):
            array = torch.cat(features).numpy().astype(np.float64)
            moments += [array.mean(0), np.cov(array, rowvar=False)]
        return {'FID': self._fid._calc_fid(*moments)[0]}
