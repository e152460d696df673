"""No painting: real pixels, fitted into the photo by a trained harmonizer."""

import json
from typing import Any, Mapping, Optional, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.checkpoints import load_strictly, read_state_dict
from mmseg_ganaug.config_search import find_shipped, has_type, type_name
from mmseg_ganaug.files import file_digest
from mmseg_ganaug.option_checks import check_device, check_path
from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.registry import GENERATORS, MODELS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis.generator import generator_class
from mmseg_ganaug.synthesis.real_pixels import RealPixels
from mmseg_ganaug.synthesis.trained import find_checkpoint, find_device


@GENERATORS.register_module()
class HarmonizedPixels(RealPixels):
    """Fits the real pixels of donors into the photo of the base.

    The network is a :class:`~mmseg_ganaug.models.Harmonizer`. Light, sharpness and
    noise of what was pasted, its rim, and the light in a ring around it change; labels
    and all other pixels stay. It needs a base, so not Recon, and no MMagic.

    Args:
        config (str | Config): Config that the harmonizer was trained with: a path from
            the working directory or one of this package (``configs/...``).
        checkpoint (str): Its checkpoint, or a work dir, of which the latest one is
            taken.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.

    Raises:
        FileNotFoundError: When the config is missing.
        ValueError: When an option is of the wrong type, or the config is not of a
            harmonizer.
    """

    takes_any_photo = False

    def __init__(
        self,
        config: Union[str, Config],
        checkpoint: str,
        device: Optional[str] = None,
    ) -> None:
        super().__init__()
        if not isinstance(config, Config):
            config = check_path(self, 'config', config)
        self._config_name = config if isinstance(config, str) else config.filename
        if isinstance(config, str):
            config = read_config(find_shipped(config))
        kind = type_name(config.get('model', {}))
        if kind != 'Harmonizer':
            raise ValueError(
                f'HarmonizedPixels: config={self._config_name!r} is of a {kind}, not '
                'of a Harmonizer: name a config of configs/harmonizer, or leave '
                "type='HarmonizedPixels' out to paint with a generator"
            )
        self.config = config
        self._checkpoint = check_path(self, 'checkpoint', checkpoint)
        self._device = check_device(self, 'device', device)
        self._model: Any = None

    @property
    def checkpoint(self) -> str:
        """Path of the weights.

        Raises:
            FileNotFoundError: When there is no such file; says how to get one.
        """
        return find_checkpoint(self._checkpoint, self._config_name, 'harmonizer')

    def fingerprint(self) -> str:
        """Computes a digest of the weights and the network: sha256 in hexadecimal."""
        described = json.dumps(self.config.model, sort_keys=True, default=str)
        return file_digest(self.checkpoint, described.encode())

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks that the weights are there and fit the data set.

        Raises:
            FileNotFoundError: When there is no checkpoint.
            RuntimeError: When no GPU is there although one was asked for.
            ValueError: When the numbers of classes differ.
        """
        _ = self.checkpoint
        trained_for = self.config.model.num_classes
        if num_classes != trained_for:
            raise ValueError(
                f'the data set has {num_classes} classes, but the harmonizer of '
                f'{self._config_name} was trained for {trained_for}: train one on '
                'this data set, or take the config that fits it'
            )
        find_device(self._device)

    def load(self) -> None:
        """Builds the network and loads its weights strictly.

        Raises:
            CheckpointError: When the checkpoint does not fit the config.
            RuntimeError: When no GPU is there although one was asked for.
        """
        if self._model is not None:
            return
        device = find_device(self._device)
        with DefaultScope.overwrite_default_scope('mmseg_ganaug'):
            model = MODELS.build(self.config.model)
        path = self.checkpoint
        load_strictly(model, read_state_dict(path), path)
        self._model = model.to(device).eval()

    def release(self) -> None:
        """Frees the network and the memory that it took."""
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def retouch(self, made: RecomposedMap) -> np.ndarray:
        """Fits what was pasted into the photo.

        Photos go through the network one by one: the bytes do not depend on what else
        is made with them.

        Args:
            made (RecomposedMap): With photo and base.

        Returns:
            np.ndarray: uint8 BGR [H, W, 3].
        """
        photo, base = super().retouch(made), made.base_photo
        assert base is not None, 'it was recombined over a base'
        pasted = made.from_donors
        if not pasted.any():
            return photo
        self.load()
        device = next(self._model.parameters()).device
        arrays = photo, base, pasted[..., None], made.label_map[..., None]
        tensors = [
            torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
            for array in arrays
        ]
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True
        ):
            fitted = self._model(*(tensor[None].to(device) for tensor in tensors))
        return np.ascontiguousarray(fitted[0].permute(1, 2, 0).cpu().numpy())


def paints(generator: Mapping, recomposer: Mapping) -> bool:
    """Returns whether a generator paints label maps, or keeps real pixels.

    Args:
        generator (Mapping): Its config.
        recomposer (Mapping): Config of the recomposer.

    Raises:
        ValueError: When pixels are to be harmonised that have no base.
    """
    kind = generator_class(generator)
    if kind is HarmonizedPixels and has_type(recomposer, 'Recon'):
        raise ValueError(
            "generator type='HarmonizedPixels' fits objects into the photo of a base, "
            'but Recon has no base: take AddSingle or AddMulti, or generator=None'
        )
    return not (isinstance(kind, type) and issubclass(kind, RealPixels))
