"""Statistics of label maps: pixels, presence, instances, positions."""

import os
from dataclasses import dataclass, fields
from typing import Callable, List, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.files import written_whole
from mmseg_ganaug.option_checks import check_size, check_whole
from mmseg_ganaug.recompose.counting import count_maps
from mmseg_ganaug.recompose.objects import SceneCounts
from mmseg_ganaug.recompose.source import LabelSource

_FORMAT = 2


@dataclass
class LabelStatistics:
    """Statistics of N label maps with C classes.

    Attributes:
        pixels: int64 [N, C], pixels of each class in each map.
        ignored: int64 [N], pixels without a class.
        sizes: int64 [N, 2], height and width in pixels.
        positions: int64 [C, gy, gx], sampled pixels of each class in each cell of a
            grid laid over every map (its size in cells, not in pixels, is fixed).
        ignored_positions: int64 [gy, gx], the same for pixels without a class.
        class_names: C names.
        ignore_index: Label value of pixels without a class.
        instances: int64 [N, C], instances of each class in each map; None where the
            source has no instance maps.
        mixed_instances: int64 [N], instances that cover more than one class: there
            the instance map disagrees with the label map. None as for instances.
        scene: The objects, and small copies of the maps; None where they were not
            asked for.
    """

    pixels: np.ndarray
    ignored: np.ndarray
    sizes: np.ndarray
    positions: np.ndarray
    ignored_positions: np.ndarray
    class_names: List[str]
    ignore_index: int
    instances: Optional[np.ndarray] = None
    mixed_instances: Optional[np.ndarray] = None
    scene: Optional[SceneCounts] = None

    def __post_init__(self) -> None:
        count, classes = self.pixels.shape
        check_num_classes(self, 'num_classes', classes)
        check_ignore_index(self, 'ignore_index', self.ignore_index)
        expected = {
            'pixels': (count, classes),
            'ignored': (count,),
            'sizes': (count, 2),
            'positions': (classes, *self.positions.shape[-2:]),
            'ignored_positions': self.positions.shape[-2:],
            'instances': (count, classes),
            'mixed_instances': (count,),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f'{name} has the shape {array.shape}, not {shape}')
            if array is not None and not np.issubdtype(array.dtype, np.integer):
                raise ValueError(f'{name} holds {array.dtype}, not whole numbers')
        if len(self.class_names) != classes:
            raise ValueError(f'{len(self.class_names)} class names, {classes} classes')

    @classmethod
    def collect(
        cls,
        source: LabelSource,
        num_workers: int = 0,
        progress: Optional[Callable[[int, int], None]] = None,
        grid: Tuple[int, int] = (16, 32),
        with_scene: bool = False,
    ) -> 'LabelStatistics':
        """Reads every label map of a source once.

        The result does not depend on ``num_workers``.

        Args:
            source: The label maps.
            num_workers: Processes that read; 0 reads in this process. Others are
                given the source, which then has to survive pickling.
            progress: Called with (maps done, maps in all) now and then.
            grid: Cells (down, across) of the position statistics.
            with_scene: Find the objects, too, which recombining them needs.

        Raises:
            ValueError: If the source is empty, has more than 255 classes, or cannot be
                passed to other processes.
            RuntimeError: If one of these processes ended.
            LabelValueError: If a map is not valid; the message names the file.
        """
        if len(source) == 0:
            raise ValueError('the source has no label maps, so it has no statistics')
        num_workers = check_whole('LabelStatistics', 'num_workers', num_workers)
        grid = check_size('LabelStatistics', 'grid', grid)
        counts, scene = count_maps(source, num_workers, progress, grid, with_scene)
        return cls(
            class_names=list(source.class_names),
            ignore_index=source.ignore_index,
            scene=scene,
            **counts,
        )

    @property
    def num_maps(self) -> int:
        """Number of label maps N."""
        return self.pixels.shape[0]

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return self.pixels.shape[1]

    @property
    def presence(self) -> np.ndarray:
        """Bool [N, C]: the map shows the class."""
        return self.pixels > 0

    @property
    def labelled(self) -> np.ndarray:
        """Int64 [N]: pixels that have a class."""
        return self.pixels.sum(axis=1)

    @property
    def frequency(self) -> np.ndarray:
        """Float64 [C]: share of each class in the labelled pixels, sum 1 (or 0)."""
        totals = self.pixels.sum(axis=0)
        return totals / max(totals.sum(), 1)

    @property
    def image_frequency(self) -> np.ndarray:
        """Float64 [C]: share of the maps that show the class, each 0..1."""
        return self.presence.mean(axis=0)

    @property
    def absent_classes(self) -> List[int]:
        """Classes that occur in no map."""
        return np.flatnonzero(self.pixels.sum(axis=0) == 0).tolist()

    @property
    def empty_maps(self) -> np.ndarray:
        """Int64: maps without one labelled pixel; neither base nor donor."""
        return np.flatnonzero(self.labelled == 0)

    def position_prior(self) -> np.ndarray:
        """Returns P(class | cell): float64 [C, gy, gx], sum 1 over C or 0."""
        return self.positions / np.maximum(self.positions.sum(axis=0), 1)

    def class_ids(self, classes: Sequence, what: str = 'classes') -> List[int]:
        """Finds the ids of classes given by name or id.

        Raises:
            ValueError: If one is not a class, or stands twice.
        """
        ids = []
        for item in classes:
            if isinstance(item, str):
                if item not in self.class_names:
                    raise ValueError(
                        f'{what}: no class is called {item!r}; the classes are '
                        f'{", ".join(self.class_names)}'
                    )
                item = self.class_names.index(item)
            if isinstance(item, bool) or not isinstance(item, (int, np.integer)):
                raise ValueError(f'{what}: {item!r} is neither a name nor an id')
            if not 0 <= item < self.num_classes:
                raise ValueError(
                    f'{what}: there is no class {item}; ids are '
                    f'0..{self.num_classes - 1}'
                )
            if int(item) in ids:
                raise ValueError(f'{what}: {self.class_names[item]} is listed twice')
            ids.append(int(item))
        return ids

    def merge(self, others: Sequence['LabelStatistics']) -> 'LabelStatistics':
        """Joins these statistics and those of more maps, which follow.

        Raises:
            ValueError: If they differ in classes, ignore index, grid, or in having
                instance maps.
        """
        parts = [self, *others]
        for other in others:
            for name, mine, its in (
                ('classes', self.class_names, other.class_names),
                ('ignore index', self.ignore_index, other.ignore_index),
                ('position grid', self.positions.shape, other.positions.shape),
                ('instance maps', self.instances is None, other.instances is None),
                ('objects', self.scene is None, other.scene is None),
            ):
                if mine != its:
                    raise ValueError(f'cannot merge: {name} {mine} and {its}')
        joined = {
            name: None
            if getattr(self, name) is None
            else np.concatenate([getattr(part, name) for part in parts])
            for name in ('pixels', 'ignored', 'sizes', 'instances', 'mixed_instances')
        }
        return LabelStatistics(
            positions=np.sum([part.positions for part in parts], axis=0),
            ignored_positions=np.sum([p.ignored_positions for p in parts], axis=0),
            class_names=list(self.class_names),
            ignore_index=self.ignore_index,
            scene=SceneCounts.join([p.scene for p in parts if p.scene is not None])
            if self.scene is not None
            else None,
            **joined,
        )

    def save(self, path: Union[str, os.PathLike]) -> None:
        """Writes to an ``.npz`` file: whole or not at all."""
        arrays = {
            name: getattr(self, name)
            for name in (*_ARRAYS, *_INSTANCE_ARRAYS)
            if getattr(self, name) is not None
        }
        for field in fields(SceneCounts) if self.scene is not None else ():
            arrays[_SCENE + field.name] = getattr(self.scene, field.name)
        with written_whole(path) as file:
            np.savez_compressed(
                file,
                format=_FORMAT,
                class_names=np.array(self.class_names, dtype=str),
                ignore_index=self.ignore_index,
                **arrays,
            )

    @classmethod
    def load(
        cls, path: Union[str, os.PathLike], class_names: Optional[Sequence[str]] = None
    ) -> 'LabelStatistics':
        """Reads what :meth:`save` wrote.

        Args:
            path: The ``.npz`` file.
            class_names: The classes expected, if they are to be checked.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file cannot be read, is damaged, no statistics file, or
                of another version or other classes; says what to do.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                stored = {name: file[name] for name in file.files}
            if int(stored.pop('format')) != _FORMAT:
                raise ValueError('another format version')
            scene = {
                field.name: stored.pop(_SCENE + field.name)
                for field in fields(SceneCounts)
                if _SCENE + field.name in stored
            }
            statistics = cls(
                class_names=[str(name) for name in stored.pop('class_names')],
                ignore_index=int(stored.pop('ignore_index')),
                scene=SceneCounts(**scene) if scene else None,
                **stored,
            )
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ValueError(
                f'{path} cannot be read ({error}): make it readable, or name another '
                'file'
            ) from error
        except Exception as error:
            raise ValueError(
                f'{path} is not a statistics file of this version ({error}); delete '
                'it, and it is made again'
            ) from error
        if class_names is not None and list(class_names) != statistics.class_names:
            raise ValueError(
                f'{path} holds statistics of {statistics.num_classes} classes '
                f'({", ".join(statistics.class_names)}), but {len(class_names)} are '
                f'needed ({", ".join(class_names)}); delete it, and it is made again'
            )
        return statistics


_ARRAYS = ('pixels', 'ignored', 'sizes', 'positions', 'ignored_positions')
_SCENE = 'scene_'
_INSTANCE_ARRAYS = ('instances', 'mixed_instances')
