"""The trained generator, loaded and run through MMagic."""

import json
from functools import cached_property
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug import compat
from mmseg_ganaug.checkpoints import load_generator_weights
from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.files import file_digest
from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_device,
    check_path,
)
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis.batches import BatchHalving
from mmseg_ganaug.synthesis.generator import Generator, PaintContext
from mmseg_ganaug.synthesis.model_inputs import (
    paint_one_by_one,
    pixels_to_device,
    to_device,
)
from mmseg_ganaug.synthesis.tiles import check_tiles
from mmseg_ganaug.synthesis.trained import (
    check_looks,
    check_model,
    check_precision,
    find_checkpoint,
    find_device,
    resolve_precision,
)

REPAINTS = ('unshown', 'changed')


@GENERATORS.register_module()
class MMagicGenerator(Generator):
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
        precision (str): 'fp32', 'bf16', 'fp16' (on a GPU), or 'auto': bfloat16 where
            the device computes in it, else float32. Defaults to 'auto'.
        channels_last (bool): Whether channels come last in memory, which is faster.
            Defaults to True.
        compile (bool): Whether ``torch.compile`` optimises the network. It takes
            minutes and a C++ compiler, and pays on a GPU. Defaults to False.
        tile (tuple[int, int], optional): Width and height of the tiles in which larger
            maps are painted, for maps that do not fit into memory; multiples of the
            generator's stride. The instance norms take their statistics from the map
            made as small as a tile, so photos come near those painted whole, but are
            not the same. Defaults to None: maps are painted whole.
        overlap (int): Pixels over which tiles fade into each other. Defaults to 64.
        repaint (str): What a generator that was trained with ``model.context`` paints
            of a photo: 'unshown', what no photo shows, so that the pixels of base and
            donors stay, which is for Recon; or 'changed', what differs from the base.
            Defaults to 'unshown'.
        looks (str): Of objects, for a generator with an ``encoder``, or with
            ``noise_channels`` for 'drawn': features that the class had in training and
            noise, by the sample's seed, so that one map has several photos. 'kept':
            features read off the pixels of base and donors, drawn where there are none.
            'interpolated': between both, by a share drawn for each sample. Windows are
            drawn each by itself. Defaults to 'usual': what most objects have, no noise.

    Raises:
        FileNotFoundError: When the config is missing.
        ValueError: When an option is of the wrong type or outside its range, the
            config is not of a generator, or the overlap does not fit the tile.
    """

    def __init__(
        self,
        config: Union[str, Config],
        checkpoint: str,
        device: Optional[str] = None,
        precision: str = 'auto',
        channels_last: bool = True,
        compile: bool = False,
        tile: Optional[Tuple[int, int]] = None,
        overlap: int = 64,
        repaint: str = 'unshown',
        looks: str = 'usual',
    ) -> None:
        check_precision(precision)
        check_tiles(tile, overlap)
        if not isinstance(config, Config):
            config = check_path(self, 'config', config)
        self._config_name = config if isinstance(config, str) else config.filename
        if isinstance(config, str):
            config = read_config(find_shipped(config))
        check_model(config, self._config_name)
        self.config = config
        scale = config.get('scale')
        self.scale = tuple(scale) if scale else None
        encoder = config.model.label_encoder
        self.num_classes = encoder.num_classes
        self.ignore_index = encoder.get('ignore_index', 255)
        self.uses_instances = encoder.get('edges', False)
        # Instance norms take their statistics from all that they see.
        norm = config.model.get('generator', {}).get('norm', 'instance')
        self.needs_whole_map = norm == 'instance'
        self._sees_photos = config.model.get('context') is not None
        self._repaint = check_choice(self, 'repaint', repaint, REPAINTS)
        check_looks(looks, config.model, self._config_name)
        self._looks = looks
        self._many_looks = looks != 'usual'
        self.uses_context = self._sees_photos or self._many_looks
        noise = bool(config.model.get('noise_channels'))
        self.draws = looks in ('drawn', 'interpolated') or (looks == 'kept' and noise)
        self.keeps_light = self._sees_photos
        self.paints_shown = repaint == 'changed' or not self._sees_photos
        if repaint != 'unshown' and not self._sees_photos:
            raise ValueError(
                f'MMagicGenerator: repaint={repaint!r} is for a generator that sees '
                f'photos, but {self._config_name} has no model.context: train one with '
                'it, or leave repaint out'
            )
        self._checkpoint = check_path(self, 'checkpoint', checkpoint)
        self._device = check_device(self, 'device', device)
        self._precision = precision
        self._channels_last = check_bool(self, 'channels_last', channels_last)
        self._compile = check_bool(self, 'compile', compile)
        self._tile = (tile[0], tile[1]) if tile else None
        self._overlap = overlap
        self._halving = BatchHalving(
            "paint in tiles (generator.tile=(1024, 512), say), set precision='bf16', "
            'or free memory'
        )
        self._model: Any = None

    @property
    def checkpoint(self) -> str:
        """Path of the weights.

        Raises:
            FileNotFoundError: When there is no such file; says how to get one.
        """
        return find_checkpoint(self._checkpoint, self._config_name)

    @property
    def title(self) -> str:
        """How messages call it."""
        return f'the generator of {self._config_name}'

    @cached_property
    def stride(self) -> int:  # type: ignore[override]
        """Factor of the sides of the network's input, found without its weights."""
        from mmseg_ganaug.registry import MODELS

        with torch.device('meta'):
            return MODELS.build(
                {**self.config.model.generator, 'in_channels': 1}
            ).stride

    def fingerprint(self) -> str:
        """Computes a digest of the weights, the network and how it is run.

        The options count as they were given: 'auto' is another precision on another
        device, where the bytes differ in any case.

        Returns:
            str: sha256 in hexadecimal.
        """
        model = {
            key: self.config.model[key]
            for key in ('type', 'generator', 'label_encoder')
        }
        model['run'] = dict(
            precision=self._precision,
            channels_last=self._channels_last,
            compile=self._compile,
            tile=self._tile and [*self._tile, self._overlap],
        )
        if self._many_looks:
            model['run']['looks'] = self._looks
        if self.config.model.get('encoder'):
            model['encoder'] = self.config.model.encoder
        if self._sees_photos:
            model['run'].update(
                grow=self.config.model.context.get('grow'), repaint=self._repaint
            )
        described = json.dumps(model, sort_keys=True, default=str)
        return file_digest(self.checkpoint, described.encode())

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks that the weights are there and fit the data set, and the options.

        Args:
            num_classes (int): Number of classes of the data set.
            has_instances (bool): Whether it has instance maps.

        Raises:
            FileNotFoundError: When there is no checkpoint.
            RuntimeError: When no GPU is there although one was asked for.
            ValueError: When the numbers of classes differ, when the generator wants
                instance maps and there are none, or when the device does not compute
                in the precision, or the tile does not fit the generator's stride.
        """
        _ = self.checkpoint
        super().check(num_classes, has_instances)
        resolve_precision(self._precision, find_device(self._device))
        self._check_tiles()

    def _check_tiles(self) -> None:
        if self._tile:
            check_tiles(self._tile, self._overlap, self.stride)

    def load(self) -> None:
        """Builds the model through MMagic and loads its weights strictly.

        Raises:
            RuntimeError: When no GPU is there although one was asked for.
            CheckpointError: When the checkpoint does not fit the config.
            ValueError: When the tile does not fit the generator's stride.
        """
        if self._model is not None:
            return
        self._check_tiles()
        compat.prepare_synthesis()
        from mmagic.apis import init_model

        from mmseg_ganaug.synthesis.fast_network import make_fast

        device = find_device(self._device)
        dtype = resolve_precision(self._precision, device)
        # init_model switches the process to MMagic's scope; MMSeg builds next.
        with DefaultScope.overwrite_default_scope('mmagic'):
            model = init_model(Config(self.config.to_dict()), device='cpu')
        load_generator_weights(model, self.checkpoint, self._looks != 'kept')
        self._model = make_fast(
            model.to(device).eval(),
            dtype,
            channels_last=self._channels_last,
            compile_network=self._compile,
            tile=self._tile,
            overlap=self._overlap,
        )

    @property
    def model(self):
        """Returns the loaded model of MMagic, for painting on its device."""
        self.load()
        return self._model

    def release(self) -> None:
        """Frees the model and the GPU memory that it took."""
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def paint(
        self,
        labels: np.ndarray,
        instances: Optional[np.ndarray] = None,
        context: Optional[PaintContext] = None,
    ) -> np.ndarray:
        """Paints a batch.

        Where a batch does not fit into memory it is halved, and so are those after it.

        Args:
            labels (np.ndarray): uint8 ``[B, H, W]``, values ``0..C-1`` and the
                generator's ``ignore_index``; any size.
            instances (np.ndarray, optional): int32 ``[B, H, W]``.
            context (PaintContext, optional): For a generator that uses it: its photos
                stay but for the holes; without it, whole photos are painted.

        Returns:
            np.ndarray: uint8 RGB ``[B, H, W, 3]``. The same input gives the same bytes
            on one device.

        Raises:
            TypeError: When the instance maps are of a type that overflows.
            ValueError: When the instance maps are missing, or a label value is wrong.
            MemoryError: When not even one label map fits.
        """
        if not self.uses_instances:
            instances = None
        elif instances is None:
            raise ValueError(
                f'{self.title} reads instance maps, but there '
                'are none: give int32 maps beside the label maps'
            )
        elif instances.dtype not in (np.int32, np.int64):
            raise TypeError(
                f'instance maps must be int32, not {instances.dtype}: ids of '
                'Cityscapes reach 33000 and more'
            )
        looks: Tuple[Optional[np.ndarray], ...] = (None, None, None)
        if context is not None and self._many_looks:
            looks = np.array(context.seeds), *self._donors(context)
        if context is None or not self._sees_photos:
            return self._run(labels, instances, None, None, *looks)
        photos, holes = context.photos.copy(), self._holes(context)
        some = holes.any(axis=(1, 2))
        if some.any():
            batches = labels, instances, photos, holes, *looks
            photos[some] = self._run(*(None if b is None else b[some] for b in batches))
        return photos

    def _run(self, *batches: Optional[np.ndarray]) -> np.ndarray:
        self.load()
        return self._halving.run(self._paint, *batches)

    def _holes(self, context: PaintContext) -> np.ndarray:
        """Finds what is painted of the photos: bool [B, H, W]."""
        if self._repaint == 'unshown':
            return ~context.shown
        return context.changed | ~context.shown

    def painted_pixels(self, labels: np.ndarray, context: PaintContext) -> np.ndarray:
        """Finds the holes, as far as they grow; without holes it paints all."""
        if not self._sees_photos:
            return super().painted_pixels(labels, context)
        from mmseg_ganaug.models.pix2pixhd.photo_context import PhotoContext

        holes = torch.from_numpy(self._holes(context))[:, None]
        rules = PhotoContext(**self.config.model.context)
        return rules.grown(holes, torch.from_numpy(labels)[:, None])[:, 0].numpy()

    def paint_on_device(
        self,
        labels: torch.Tensor,
        instances: Optional[torch.Tensor] = None,
        context: Optional[PaintContext] = None,
    ) -> torch.Tensor:
        """Paints tensors where they are, see :class:`Generator`."""
        model, seen = self.model, {}
        if self._sees_photos and context is not None:
            seen = self._seen(context.photos, self._holes(context))
        if context is None or not self._many_looks:
            return model.paint(labels, instances, **seen)
        read = self._donors(context)
        return paint_one_by_one(
            model, self._looks, labels, instances, seen, context.seeds, *read
        )

    def _donors(self, context: PaintContext) -> Sequence[Optional[np.ndarray]]:
        """Returns the photos that looks are read off, and what of them is shown."""
        reads = self._looks in ('kept', 'interpolated')
        return (context.photos, context.shown) if reads else (None, None)

    @torch.inference_mode()
    def _paint(
        self,
        label_maps: np.ndarray,
        instance_maps: Optional[np.ndarray],
        photos: Optional[np.ndarray] = None,
        holes: Optional[np.ndarray] = None,
        seeds: Optional[np.ndarray] = None,
        donors: Optional[np.ndarray] = None,
        shown: Optional[np.ndarray] = None,
    ) -> np.ndarray:
        device = self._model.device
        labels, instances = to_device(label_maps, device), None
        if instance_maps is not None:
            instances = to_device(instance_maps, device)
        seen = {}
        if photos is not None and holes is not None:
            seen = self._seen(photos, holes)
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True
        ):
            if seeds is None:
                painted = self._model.paint(labels, instances, **seen)
            else:
                painted = paint_one_by_one(
                    *(self._model, self._looks, labels, instances, seen),
                    *(seeds, donors, shown),
                )
        return painted.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _seen(self, photos: np.ndarray, holes: np.ndarray) -> Dict[str, torch.Tensor]:
        """Returns photos and holes as the model takes them."""
        device = self._model.device
        return dict(
            photos=pixels_to_device(photos, device), holes=to_device(holes, device)
        )
