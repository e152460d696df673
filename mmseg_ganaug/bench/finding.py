"""A finding, what findings are made of, and the treatments that they speak for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from mmseg_ganaug.bench.class_facts import ClassFacts, Shown, Sizes, Split
from mmseg_ganaug.bench.label_checks import EdgeFit
from mmseg_ganaug.bench.network_input import Stride
from mmseg_ganaug.bench.val_evidence import Predicted

WEIGHTS = ('class-weights-sqrt', 'class-weights-inverse', 'class-weights-rare')
HARD_PIXELS = ('ohem', 'focal')
SAMPLING = ('rare-class-sampling',)
CROPS = ('larger-crops',)
PAIRS = ('real-pixels', 'add-single', 'add-multi', 'recon')
#: Names of the treatments that balance classes, of
#: :mod:`~mmseg_ganaug.bench.treatments`: all but larger crops.
BALANCE = (*WEIGHTS, *HARD_PIXELS, *SAMPLING, *PAIRS)
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """Something that stands in the way of classes, or a problem of their labels.

    Attributes:
        kind: Names the rule, such as 'objects-below-a-cell'.
        classes: Those that it is about; empty for the whole data set.
        text: One to three sentences with figures.
        speaks_for: Names of treatments that may help.
        speaks_against: Names of treatments that cannot.
        picture: PNG file, seen from the folder that holds the folder of figures; None
            where there is none.
    """

    kind: str
    classes: Tuple[str, ...]
    text: str
    speaks_for: Tuple[str, ...] = ()
    speaks_against: Tuple[str, ...] = ()
    picture: Optional[str] = None

    def to_json(self) -> Dict[str, Any]:
        """Returns the finding as JSON values."""
        lists = ('classes', 'speaks_for', 'speaks_against')
        return {**vars(self), **{name: list(getattr(self, name)) for name in lists}}


class Pictures:
    """Draws pictures into a folder, where one is wanted.

    Args:
        folder (Path, optional): Defaults to None: nothing is drawn.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder

    def draw(self, name: str, draw: Callable[[Path], Any]) -> Optional[str]:
        """Draws a picture; returns its path from the parent of the folder.

        Args:
            name (str): Of the file, without its ending.
            draw (callable): Draws to a path.
        """
        if self._folder is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        draw(self._folder / f'{name}.png')
        return f'{self._folder.name}/{name}.png'


@dataclass(frozen=True)
class Facts:
    """All that was measured of a data set and its network.

    Attributes:
        train: The training data.
        val: The validation data.
        classes: What is known of each class.
        rare: Ids of the rare ones.
        sizes: Of the objects of each class.
        stride: Cells of the network.
        shown: What the training pipeline shows.
        fits: How labels follow the edges of their photos, by class id.
        same_photos: Validation photos that are training photos, too: files of each.
        stray: What is said of label values that are no class, a text a split.
        predicted: Of a network that was tried.
    """

    train: Split
    val: Split
    classes: List[ClassFacts]
    rare: List[int]
    sizes: List[Sizes]
    stride: Stride
    shown: Shown
    fits: Dict[int, EdgeFit] = field(default_factory=dict)
    same_photos: Sequence[Tuple[str, str]] = ()
    stray: Sequence[str] = ()
    predicted: Optional[Predicted] = None

    @property
    def rare_classes(self) -> List[ClassFacts]:
        """Returns the facts of the rare classes, the rarest first."""
        return sorted((self.classes[c] for c in self.rare), key=lambda c: c.pixels)


def class_names(facts: Facts, class_ids: Sequence[int]) -> Tuple[str, ...]:
    """Returns the names of classes."""
    return tuple(facts.classes[class_id].name for class_id in class_ids)


def listed(texts: Sequence[str], separator: str = ', ') -> str:
    """Joins the first texts, and says how many more there are."""
    more = f' and {len(texts) - _NAMED} more' if len(texts) > _NAMED else ''
    return separator.join(texts[:_NAMED]) + more
