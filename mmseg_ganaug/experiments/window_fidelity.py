"""Figures of windows: what tells those of each painter from real ones, by class."""

import math
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmseg_ganaug.evaluation.detection import detect
from mmseg_ganaug.evaluation.perception import (
    NETWORK,
    Perception,
    frechet_distance,
    kernel_distance,
)
from mmseg_ganaug.experiments.painters import Shown, Windows
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.synthesis.painting_choice import REAL
from mmseg_ganaug.visualization import GalleryRow
from mmseg_ganaug.visualization.table import ABSENT, Table

#: The name of the network's row that sees masks alone, without a pixel of the photo.
MASK_ALONE = 'mask alone'
_ALL = 'all classes'


def measure_windows(
    windows: Windows,
    class_names: Sequence[str],
    perception: Optional[Perception] = None,
    iterations: int = 400,
    seed: int = 0,
) -> Dict[str, Any]:
    """Measures the windows of all painters, with a progress bar.

    Args:
        windows: From :meth:`~mmseg_ganaug.experiments.painters.WindowMaker.make`.
        class_names: C names.
        perception: Computes features. Defaults to None: a new one.
        iterations: Of the network that tells windows apart; 0 leaves it out.
        seed: Of that network.

    Returns:
        JSON values: ``features``, the network by whose features windows are compared,
        each scaled to mean 0 and spread 1 over the real windows; and ``classes``: class
        (and 'all classes') -> painter -> figures. ``windows`` is their number; ``fid``
        and ``kid`` set those laid on other photos against real ones, ``restored_fid``
        and ``restored_kid`` those made again at their own place; ``distance`` is the
        mean perceptual distance of the latter to the real pixels; ``detected`` the
        share of right answers (%) of a network that learned on the first half of the
        photos to tell laid from real ones, of the second. None stands for what cannot
        be computed.
    """
    perception = perception or Perception()
    plain = perception.features(windows.real)
    mean, spread = plain.mean(axis=0), np.maximum(plain.std(axis=0), 1e-6)

    def features_of(made: np.ndarray) -> np.ndarray:
        # Of one scale: of some channels the network's values are far larger.
        return (perception.features(made) - mean) / spread

    real = (plain - mean) / spread
    features, detected = {}, {}
    with Progress('Comparing windows', len(windows.laid)) as progress:
        for name, laid in windows.laid.items():
            found = {'': features_of(laid)}
            if name in windows.restored:
                again = windows.restored[name]
                found['restored_'] = features_of(again)
                found['distance'] = perception.distances(
                    again, windows.real, windows.real[..., 3]
                )
            features[name] = found
            if iterations:
                detected[name] = _detected(windows, laid, seed, iterations)
            progress.update()
    if iterations:
        laid = windows.laid[REAL]
        detected[MASK_ALONE] = _detected(windows, laid, seed, iterations, blind=True)
    tested = windows.classes[windows.halves == 1]
    groups = {_ALL: np.ones(len(real), bool)}
    groups.update((name, windows.classes == c) for c, name in enumerate(class_names))
    figures: Dict[str, Dict] = {}
    for group, members in groups.items():
        seen = tested == class_names.index(group) if group != _ALL else tested >= 0
        figures[group] = {}
        for name in [*features, *detected.keys() - features.keys()]:
            row: Dict[str, Optional[float]] = {'windows': int(members.sum())}
            figures[group][name] = row
            if not members.any():
                continue
            for kind, values in features.get(name, {}).items():
                if kind == 'distance':
                    row[kind] = _rounded(values[members].mean())
                    continue
                pair = values[members], real[members]
                row[f'{kind}fid'] = _rounded(frechet_distance(*pair))
                row[f'{kind}kid'] = _rounded(kernel_distance(*pair))
            if name in detected and seen.any():
                row['detected'] = _rounded(100 * detected[name][:, seen].mean())
    return dict(features=NETWORK, classes=figures)


def _rounded(value: float) -> Optional[float]:
    return None if math.isnan(value) else round(float(value), 6)


def _detected(
    windows: Windows, laid: np.ndarray, seed: int, iterations: int, blind: bool = False
) -> np.ndarray:
    """Returns what a network gets right of the second half: bool [2, M]."""
    train, test = (
        (laid[windows.halves == half], windows.real[windows.halves == half])
        for half in (0, 1)
    )
    if not len(train[0]) or not len(test[0]):
        return np.zeros((2, len(test[0])), bool)
    return detect(train, test, seed, iterations, blind)


#: Headings of the table, and the figures below them.
_COLUMNS = {
    'FID': ('fid', '{:.1f}'),
    'KID': ('kid', '{:.3f}'),
    'detected, %': ('detected', '{:.1f}'),
    'KID, own place': ('restored_kid', '{:.3f}'),
    'distance': ('distance', '{:.3f}'),
}


def windows_table(figures: Dict[str, Any]) -> Table:
    """Tabulates what :func:`measure_windows` returned: a row a class and painter."""
    rows: List[List[str]] = []
    for group, painters in figures['classes'].items():
        for name, row in painters.items():
            if not row['windows']:
                continue
            cells = [
                ABSENT if row.get(key) is None else form.format(row[key])
                for key, form in _COLUMNS.values()
            ]
            rows.append([f'{group}: {name}', str(row['windows']), *cells])
    return Table(
        header=['class: painter', 'windows', *_COLUMNS],
        rows=rows,
        title='Windows of each painter against real ones',
        notes=[
            f'FID ({NETWORK}), KID ({NETWORK}) and distance ({NETWORK}): smaller is '
            'closer to real windows; features are scaled by those of real windows. '
            'Detection: 50 is chance; what the mask alone gives away, no painter can '
            'hide. Own place: objects made again where they really stand.'
        ],
    )


def photo_rows(shown: Sequence[Shown], class_names: Sequence[str]) -> List[GalleryRow]:
    """Returns rows of a contact sheet: the base, and the photo of each painter."""
    return [
        GalleryRow(
            {'base': one.base, 'label map': one.label_map, **one.photos},
            f'laid: {class_names[one.class_id]}',
        )
        for one in shown
    ]


def window_rows(
    windows: Windows, class_names: Sequence[str], per_class: int = 2
) -> List[GalleryRow]:
    """Returns rows of a contact sheet: the windows of each painter, enlarged."""
    rows = []
    for class_id in np.unique(windows.classes):
        for number in np.flatnonzero(windows.classes == class_id)[:per_class]:
            cells = {'real, its own place': windows.real[number]}
            for name, laid in windows.laid.items():
                cells[f'{name}, laid'] = laid[number]
            for name, again in windows.restored.items():
                cells[f'{name}, own place'] = again[number]
            photos = {name: cell[..., :3].copy() for name, cell in cells.items()}
            rows.append(GalleryRow(photos, class_names[class_id]))
    return rows
