"""The interface of what paints photos of label maps, and how it is called."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.batches import by_shape


@dataclass(frozen=True)
class PaintContext:
    """What a painter may see of samples beside their label maps.

    Attributes:
        photos: uint8 RGB ``[B, H, W, 3]``, the base's photo, over it the real pixels
            of the donors; 0 where no photo shows the label map.
        shown: Bool ``[B, H, W]``, where ``photos`` shows what the label map says.
        changed: Bool ``[B, H, W]``, what is to be painted: where the label map differs
            from that of the base, or all of it under Recon.
        ids: Of each sample, ``PLAN-NUMBER``: 12 hexadecimal digits of the plan and its
            label maps, and 6 decimal ones of the recipe. One ID is one label map.
        seeds: Of each sample, ``0..2**32-1``; random draws of a painter take nothing
            else, so that a sample painted again is the same.
    """

    photos: np.ndarray
    shown: np.ndarray
    changed: np.ndarray
    ids: Tuple[str, ...]
    seeds: Tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, samples: slice) -> 'PaintContext':
        """Returns some of the samples."""
        return PaintContext(*(getattr(self, f.name)[samples] for f in fields(self)))

    def window(self, rows: slice, columns: slice) -> 'PaintContext':
        """Returns a part of all maps; beyond their borders the last pixels repeat."""
        height, width = self.shown.shape[1:]
        y = np.arange(rows.start, rows.stop).clip(max=height - 1)[:, None]
        x = np.arange(columns.start, columns.stop).clip(max=width - 1)
        return replace(
            self,
            photos=self.photos[:, y, x],
            shown=self.shown[:, y, x],
            changed=self.changed[:, y, x],
        )

    @classmethod
    def stacked(cls, contexts: Sequence['PaintContext']) -> 'PaintContext':
        """Joins contexts of one size."""
        return cls(
            np.concatenate([one.photos for one in contexts]),
            np.concatenate([one.shown for one in contexts]),
            np.concatenate([one.changed for one in contexts]),
            tuple(sample_id for one in contexts for sample_id in one.ids),
            tuple(seed for one in contexts for seed in one.seeds),
        )


class PlannedSample(NamedTuple):
    """What a generator is asked about a sample before it is made.

    Attributes:
        id: See :class:`PaintContext`.
        size: Height and width of its label map.
    """

    id: str
    size: Tuple[int, int]


def seed_of(sample_id: str, recipe_seed: int) -> int:
    """Computes the seed with which a sample is painted.

    Args:
        sample_id (str): Its ID.
        recipe_seed (int): Seed of its recipe, which the seed of the plan decides.

    Returns:
        int: ``0..2**32-1``.
    """
    digest = hashlib.sha256(f'{sample_id} {recipe_seed}'.encode()).digest()
    return int.from_bytes(digest[:4], 'big')


class Generator(ABC):
    """Paints photos of label maps.

    A subclass needs :meth:`paint` and :meth:`fingerprint`, and states the attributes
    in which it differs from the defaults here, in the class or when it is built. It is
    registered in ``GENERATORS`` and named in a config:
    ``generator=dict(type='MyPainter', ...)``. An option ``device`` of it gets the
    device of the segmenter in online painting.

    Attributes:
        scale: Width and height in pixels that it wants label maps in; None: any.
        num_classes: Number of classes, C; None: any.
        ignore_index: Label value that it takes for pixels of no class.
        uses_instances: Whether it wants instance maps.
        uses_context: Whether it wants a :class:`PaintContext`; the samples then depend
            on the photos of the data set, too.
        draws: Whether several photos of one label map differ, by the seeds or the IDs
            of their contexts; None: as ``uses_context``.
        keeps_light: Whether it leaves the photos of its context as they are but for
            what it paints, in their light, of which a window shows less than the whole
            photo: composites then do not match it.
        paints_shown: Whether it paints what real photos show, too; without, it paints
            what no photo of its context shows, as the holes that Recon fills.
        needs_whole_map: Whether a window painted alone looks otherwise than in the
            whole photo.
        stride: The sides of windows that it paints are multiples of it.
    """

    scale: Optional[Tuple[int, int]] = None
    num_classes: Optional[int] = None
    ignore_index: int = 255
    uses_instances: bool = False
    uses_context: bool = False
    draws: Optional[bool] = None
    keeps_light: bool = False
    paints_shown: bool = True
    needs_whole_map: bool = True
    stride: int = 1

    @property
    def title(self) -> str:
        """How messages call it."""
        return f'the generator {type(self).__name__}'

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks that it fits the data set, before anything is loaded.

        Args:
            num_classes (int): Number of classes of the data set.
            has_instances (bool): Whether it has instance maps.

        Raises:
            ValueError: When the numbers of classes differ, or it wants instance maps
                and there are none.
        """
        if self.num_classes not in (None, num_classes):
            raise ValueError(
                f'the data set has {num_classes} classes, but {self.title} was trained '
                f'for {self.num_classes}: train one on this data set, or take the '
                'config that fits it'
            )
        if self.uses_instances and not has_instances:
            raise ValueError(
                f'{self.title} uses instance maps, which this data set does not give: '
                'set instance_path, or take a generator that does without'
            )

    def use_classes(  # noqa: B027
        self, names: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> None:
        """Takes the classes of the data set, before all else; most need none.

        Args:
            names (Sequence[str]): C names.
            palette (Sequence[Sequence[int]]): C colours, RGB, 0..255.
        """

    def lacking(self, samples: Sequence[PlannedSample], needed: int) -> List[int]:
        """Finds samples that it cannot paint; they are left out of the plan.

        Args:
            samples (Sequence[PlannedSample]): Of the plan, then those that stand in
                where a filter drops one.
            needed (int): How many are of the plan.

        Returns:
            list[int]: Their numbers; by default none.

        Raises:
            ValueError: When too few are left; says what to do.
        """
        return []

    def load(self) -> None:  # noqa: B027
        """Takes what painting needs, such as weights on a GPU; twice is as once."""

    def release(self) -> None:  # noqa: B027
        """Frees what :meth:`load` took; it may be loaded again."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Names all that the photos depend on: weights, options, code.

        Samples of another fingerprint are made again.
        """

    @abstractmethod
    def paint(
        self,
        labels: np.ndarray,
        instances: Optional[np.ndarray] = None,
        context: Optional[PaintContext] = None,
    ) -> np.ndarray:
        """Paints a batch, on whatever device; it calls :meth:`load` if need be.

        The same input has to give the same bytes on one device, whatever else is in
        the batch.

        Args:
            labels (np.ndarray): uint8 ``[B, H, W]``, values ``0..C-1`` and its
                ``ignore_index``.
            instances (np.ndarray, optional): int32 ``[B, H, W]``, 0 = none; given
                where it ``uses_instances``.
            context (PaintContext, optional): Given where it ``uses_context``.

        Returns:
            np.ndarray: uint8 RGB ``[B, H, W, 3]``.
        """

    def painted_pixels(self, labels: np.ndarray, context: PaintContext) -> np.ndarray:
        """Finds the pixels that it paints, asked where it ``uses_context``.

        What it leaves of the photos of a context as it is, is real: filters, which
        judge generated pixels, leave it alone.

        Args:
            labels (np.ndarray): See :meth:`paint`.
            context (PaintContext): The same.

        Returns:
            np.ndarray: Bool ``[B, H, W]``; by default all of them.
        """
        return np.ones(labels.shape, bool)

    def paint_on_device(
        self,
        labels: torch.Tensor,
        instances: Optional[torch.Tensor] = None,
        context: Optional[PaintContext] = None,
    ) -> torch.Tensor:
        """Paints tensors within a training step; by default by way of :meth:`paint`.

        Args:
            labels (Tensor): uint8 ``[B, 1, H, W]``.
            instances (Tensor, optional): int32 ``[B, 1, H, W]``.
            context (PaintContext, optional): As for :meth:`paint`.

        Returns:
            Tensor: uint8 RGB ``[B, 3, H, W]`` on the device of the label maps.
        """
        numbers = None if instances is None else instances[:, 0].cpu().numpy()
        photos = paint_photos(self, labels[:, 0].cpu().numpy(), numbers, context)
        painted = torch.from_numpy(photos.transpose(0, 3, 1, 2).copy())
        return painted.to(labels.device)


def generator_class(config: Mapping) -> Any:
    """Finds the class that a ``generator`` of a config states, by name or itself."""
    kind = config.get('type', 'MMagicGenerator')
    return GENERATORS.get(kind) if isinstance(kind, str) else kind


def build_generator(config: dict) -> Any:
    """Builds what a ``generator`` of a config states, which is pix2pixHD by default."""
    return GENERATORS.build({'type': 'MMagicGenerator', **config})


def trait(generator: Any, name: str) -> Any:
    """Returns an attribute of a generator, or the default where it states none.

    Args:
        generator: A :class:`Generator`, or what has its methods.
        name (str): Of the attribute.
    """
    return getattr(generator, name, getattr(Generator, name))


def paint_photos(
    generator: Any,
    labels: np.ndarray,
    instances: Optional[np.ndarray] = None,
    context: Optional[PaintContext] = None,
) -> np.ndarray:
    """Has a generator paint a batch, and checks what it gives.

    Args:
        generator: A :class:`Generator`, or what has its methods; one that does not use
            a context need not take one.
        labels (np.ndarray): See :meth:`Generator.paint`.
        instances (np.ndarray, optional): Left out where it does not use instances.
        context (PaintContext, optional): Left out where it does not use one.

    Returns:
        np.ndarray: uint8 RGB ``[B, H, W, 3]``.

    Raises:
        TypeError: When it gives something else than uint8.
        ValueError: When it gives another number or size of photos.
    """
    name = getattr(generator, 'title', f'the generator {type(generator).__name__}')
    inputs: List[Any] = [labels, instances if generator.uses_instances else None]
    if trait(generator, 'uses_context'):
        if context is None:
            raise ValueError(
                f'{name} uses a context, which recombined samples alone have: measure '
                'it on those'
            )
        inputs.append(context)
    photos = generator.paint(*inputs)
    wanted = (*labels.shape, 3)
    found = getattr(photos, 'shape', type(photos).__name__)
    if not isinstance(photos, np.ndarray) or photos.shape != wanted:
        raise ValueError(
            f'{name} gave {found} for label maps of {labels.shape}: paint has to '
            f'return a NumPy array of {wanted}, RGB'
        )
    if photos.dtype != np.uint8:
        raise TypeError(
            f'{name} gave photos of {photos.dtype}: paint has to return uint8, 0..255'
        )
    return photos


def paint_maps(
    generator: Any,
    label_maps: Sequence[np.ndarray],
    instance_maps: Sequence[Optional[np.ndarray]],
    ignore_index: int,
    contexts: Optional[Sequence[PaintContext]] = None,
) -> List[np.ndarray]:
    """Paints label maps of a data set, those of one size together.

    Args:
        generator: A :class:`Generator`, or what has its methods.
        label_maps (Sequence[np.ndarray]): uint8 ``[H, W]``, of any sizes.
        instance_maps (Sequence[np.ndarray | None]): int32 ``[H, W]`` each; left out
            where the generator does not use instances.
        ignore_index (int): That of the data set; the generator's own takes its place.
        contexts (Sequence[PaintContext], optional): Of each map, a batch of one.

    Returns:
        list[np.ndarray]: uint8 BGR ``[H, W, 3]`` each.
    """
    photos: List[Any] = [None] * len(label_maps)
    for members in by_shape(label_maps):
        labels = np.stack([label_maps[i] for i in members])
        labels[labels == ignore_index] = generator.ignore_index
        instances = context = None
        if generator.uses_instances:
            instances = np.stack([np.asarray(instance_maps[i]) for i in members])
        if contexts is not None:
            context = PaintContext.stacked([contexts[i] for i in members])
        painted = paint_photos(generator, labels, instances, context)
        for i, photo in zip(members, painted):
            photos[i] = np.ascontiguousarray(photo[..., ::-1])
    return photos
