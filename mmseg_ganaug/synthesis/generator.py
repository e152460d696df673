"""The trained generator, loaded and run through MMagic."""

import hashlib
import json
import os
from typing import Optional, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import find_latest_checkpoint

from mmseg_ganaug.configs import find_shipped
from mmseg_ganaug.registry import GENERATORS


@GENERATORS.register_module()
class MMagicGenerator:
    """Paints photos of label maps with a translation model of MMagic.

    The model is loaded by :meth:`load` and freed by :meth:`release`. Until then only
    the config is read, and the checkpoint where it is asked about.

    Args:
        config (str | Config): Config that the generator was trained with: a path from
            the working directory or one of this package (``configs/...``).
        checkpoint (str): Its checkpoint, or a work dir, of which the latest one is
            taken.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.

    Raises:
        FileNotFoundError: When the config is missing.
    """

    def __init__(
        self,
        config: Union[str, Config],
        checkpoint: str,
        device: Optional[str] = None,
    ) -> None:
        self._config_name = config if isinstance(config, str) else config.filename
        if isinstance(config, str):
            config = Config.fromfile(find_shipped(config))
        self.config = config
        self._checkpoint = checkpoint
        self._device = device
        self._model = None

    @property
    def checkpoint(self) -> str:
        """Path of the weights.

        Raises:
            FileNotFoundError: When there is no such file; says how to get one.
        """
        path = self._checkpoint
        if os.path.isdir(path):
            latest = find_latest_checkpoint(path)
            # The name counts: a work dir that was moved still holds the old path.
            path = os.path.join(path, os.path.basename(latest or ''))
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f'generator checkpoint {self._checkpoint} does not exist. Train it '
                f'with\n    python tools/train.py {self._config_name}\n'
                'or set generator.checkpoint to a checkpoint that you have'
            )
        return path

    @property
    def scale(self) -> Optional[Tuple[int, int]]:
        """Width and height in pixels that the generator was trained for, if stated."""
        scale = self.config.get('scale')
        return tuple(scale) if scale else None

    @property
    def num_classes(self) -> int:
        """Number of classes whose label maps it paints."""
        return self.config.model.label_encoder.num_classes

    @property
    def ignore_index(self) -> int:
        """Label value that it takes for pixels of no class."""
        return self.config.model.label_encoder.get('ignore_index', 255)

    @property
    def uses_instances(self) -> bool:
        """Whether it also wants instance maps."""
        return self.config.model.label_encoder.get('edges', False)

    def fingerprint(self) -> str:
        """Names the weights and the network.

        Returns:
            str: sha256 in hexadecimal.
        """
        digest = hashlib.sha256()
        model = {
            key: self.config.model[key]
            for key in ('type', 'generator', 'label_encoder')
        }
        digest.update(json.dumps(model, sort_keys=True, default=str).encode())
        with open(self.checkpoint, 'rb') as file:
            for block in iter(lambda: file.read(1 << 20), b''):
                digest.update(block)
        return digest.hexdigest()

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks that the weights are there and fit the label maps of a data set.

        Args:
            num_classes (int): Number of classes of the data set.
            has_instances (bool): Whether it has instance maps.

        Raises:
            FileNotFoundError: When there is no checkpoint.
            ValueError: When the numbers of classes differ, or when the generator wants
                instance maps and there are none.
        """
        _ = self.checkpoint
        if num_classes != self.num_classes:
            raise ValueError(
                f'the data set has {num_classes} classes, but the generator of '
                f'{self._config_name} was trained for {self.num_classes}: train one on '
                'this data set, or take the config that fits it'
            )
        if self.uses_instances and not has_instances:
            raise ValueError(
                f'the generator of {self._config_name} was trained with the edges of '
                'instance maps, which this data set does not give: set instance_path, '
                'or train a generator with label_encoder.edges=False'
            )

    def load(self) -> None:
        """Builds the model through MMagic and loads its weights strictly.

        Raises:
            RuntimeError: When no GPU is there although one was asked for.
            CheckpointError: When the checkpoint does not fit the config.
        """
        if self._model is not None:
            return
        import torch

        from mmseg_ganaug.models.checkpoint import load_generator_weights

        device = self._device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
        if device.startswith('cuda') and not torch.cuda.is_available():
            raise RuntimeError(
                f'device {device!r} was asked for, but torch {torch.__version__} sees '
                "no GPU: mend the driver, or set device='cpu'"
            )
        from mmagic.apis import init_model

        # init_model switches the process to MMagic's scope; MMSeg builds next.
        with DefaultScope.overwrite_default_scope('mmagic'):
            model = init_model(Config(self.config.to_dict()), device='cpu')
        load_generator_weights(model, self.checkpoint)
        self._model = model.to(device).eval()

    def release(self) -> None:
        """Frees the model and the GPU memory that it took."""
        self._model = None
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def paint(
        self, label_maps: np.ndarray, instance_maps: Optional[np.ndarray] = None
    ) -> np.ndarray:
        """Paints a batch.

        Args:
            label_maps (np.ndarray): uint8 ``[B, H, W]``, values ``0..C-1`` and the
                generator's ``ignore_index``.
            instance_maps (np.ndarray, optional): int32 ``[B, H, W]``.

        Returns:
            np.ndarray: uint8 RGB ``[B, H, W, 3]``. The same input gives the same bytes
            on one device.
        """
        import torch

        self.load()
        device = next(self._model.parameters()).device
        labels = torch.from_numpy(label_maps)[:, None].to(device)
        instances = None
        if self.uses_instances:
            instances = torch.from_numpy(instance_maps)[:, None].to(device)
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True
            ),
        ):
            photos = self._model.paint(labels, instances)
        return photos.permute(0, 2, 3, 1).contiguous().cpu().numpy()
