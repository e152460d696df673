"""Findings about the labels themselves, with pictures of those that need a look."""

from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np

from mmseg_ganaug.bench.class_facts import Split
from mmseg_ganaug.bench.finding import (
    BALANCE,
    Facts,
    Finding,
    Pictures,
    class_names,
    listed,
)
from mmseg_ganaug.bench.parts import SPECK_BELOW
from mmseg_ganaug.shown_text import signed
from mmseg_ganaug.visualization import (
    GalleryRow,
    overlay_label_map,
    recomposition_gallery,
)

# From which share of its pixels, or of its photos, specks of a class are worth a word.
_SPECK_PIXELS, _SPECK_PHOTOS = 0.01, 0.05
_ROWS = 4
# Pixels around a speck.
_AROUND = 24


def label_findings(facts: Facts, pictures: Pictures) -> List[Finding]:
    """Applies the rules for problems of the labels.

    Args:
        facts (Facts): What was measured.
        pictures (Pictures): Draws.
    """
    found: List[Finding] = []
    for rule in (
        _stray_values,
        _labels_off_photos,
        _val_photos_in_train,
        _missing_in_train,
        _missing_in_val,
        _specks,
    ):
        found += rule(facts, pictures)
    return found


def _stray_values(facts: Facts, pictures: Pictures) -> List[Finding]:
    return [Finding('stray-values', (), text) for text in facts.stray]


def _labels_off_photos(facts: Facts, pictures: Pictures) -> List[Finding]:
    off = [class_id for class_id, fit in facts.fits.items() if not fit.fits]
    if not off:
        return []
    shown = [
        f'{facts.classes[c].name} ({signed(100 * facts.fits[c].gain, 0)} % in '
        f'{facts.fits[c].photos} photos)'
        for c in off
    ]
    good = [fit.gain for fit in facts.fits.values() if fit.fits]
    against = (
        f' ({signed(100 * float(np.median(good)), 0)} % for other classes here)'
        if good
        else ''
    )
    text = (
        f'Edges in the photos are hardly stronger along the labels of {listed(shown)} '
        f'than along labels of other photos{against}: these labels may belong to other '
        'photos. Nothing can be learned from them: look at some.'
    )
    draw = pictures.draw(
        'labels-off-photos', lambda path: _draw_overlays(facts, off, path)
    )
    return [
        Finding('labels-off-photos', class_names(facts, off), text, (), BALANCE, draw)
    ]


def _val_photos_in_train(facts: Facts, pictures: Pictures) -> List[Finding]:
    if not facts.same_photos:
        return []
    (ours, theirs), count = facts.same_photos[0], len(facts.same_photos)
    text = (
        f'{count} of {len(facts.val.source)} validation photos are training photos, '
        f'too, byte by byte; the first is {ours} ({theirs}). What is measured on them '
        'is memory: take them out of one of the two.'
    )
    return [Finding('val-photos-in-train', (), text)]


def _missing_in_train(facts: Facts, pictures: Pictures) -> List[Finding]:
    missing = [c.name for c in facts.classes if not c.train_photos]
    if not missing:
        return []
    text = (
        f'No training photo shows {listed(missing)}: no treatment can make up for '
        'that. Check the label values, or label some.'
    )
    return [Finding('class-missing-in-train', tuple(missing), text, (), BALANCE)]


def _missing_in_val(facts: Facts, pictures: Pictures) -> List[Finding]:
    missing = [c for c in facts.classes if c.train_photos and not c.val_photos]
    if not missing:
        return []
    shown = [f'{c.name} ({c.train_photos} training photos do)' for c in missing]
    text = (
        f'No validation photo shows {listed(shown)}: whatever is done for it cannot '
        'be measured. Move some photos that show it to the validation data.'
    )
    return [Finding('class-missing-in-val', tuple(c.name for c in missing), text)]


def _specks(facts: Facts, pictures: Pictures) -> List[Finding]:
    parts, pixels = facts.train.parts, facts.train.statistics.pixels.sum(axis=0)
    small = parts['area'] < SPECK_BELOW
    found, texts, examples = [], [], []
    for class_id, known in enumerate(facts.classes):
        mine = parts[(parts['class_id'] == class_id) & small]
        whole = parts['map'][(parts['class_id'] == class_id) & ~small]
        alone = np.setdiff1d(mine['map'], whole)
        share = mine['area'].sum() / max(pixels[class_id], 1)
        enough = len(alone) >= max(2, _SPECK_PHOTOS * known.train_photos)
        if not (enough or share >= _SPECK_PIXELS):
            continue
        found.append(class_id)
        texts.append(
            f'{known.name}: {len(mine)} parts of 1 to {SPECK_BELOW - 1} pixels, and '
            f'{len(alone)} of {known.train_photos} photos show nothing else of it'
        )
        picked = mine[np.isin(mine['map'], alone)] if len(alone) else mine
        examples += list(picked[:2])
    if not found:
        return []
    first = facts.train.source.name(int(examples[0]['map']))
    text = (
        f'Specks that nobody draws: {listed(texts, "; ")} (the first in {first}). '
        'They are left over from resizing or lossy files, and have photos count as '
        'showing a class: remove them from the label maps.'
    )
    draw = pictures.draw('specks', lambda path: _draw_specks(facts, examples, path))
    return [Finding('specks', class_names(facts, found), text, (), (), draw)]


def _draw_specks(facts: Facts, specks: Sequence[Any], path: Path) -> Path:
    """Draws the surroundings of specks.

    Args:
        facts (Facts): What was measured.
        specks (Sequence[np.void]): Some :data:`~mmseg_ganaug.bench.parts.PART` of the
            training data.
        path (Path): The PNG file to write.
    """
    train, rows = facts.train, []
    for speck in specks[:_ROWS]:
        index = int(speck['map'])
        label_map = train.source.label_map(index)
        window = tuple(
            slice(start := max(0, min(int(at) - _AROUND, size - 2 * _AROUND)),
                  start + 2 * _AROUND)
            for at, size in zip((speck['top'], speck['left']), label_map.shape)
        )  # fmt: skip
        cells = {'labels': np.ascontiguousarray(label_map[window])}
        photo = _photo(train, index)
        if photo is not None:
            cells['photo'] = np.ascontiguousarray(photo[window])
        name = facts.classes[int(speck['class_id'])].name
        pixels = f'{speck["area"]} pixel' + ('s' if speck['area'] > 1 else '')
        place = f'row {speck["top"]}, column {speck["left"]}'
        caption = (
            f'{pixels} of {name} at {place}: {Path(train.source.name(index)).name}'
        )
        rows.append(GalleryRow(cells, caption))
    return _gallery(facts, rows, path)


def _draw_overlays(facts: Facts, class_ids: Sequence[int], path: Path) -> Path:
    """Draws labels over their photos, of photos that show some of the classes.

    Args:
        facts (Facts): What was measured.
        class_ids (Sequence[int]): The classes.
        path (Path): The PNG file to write.
    """
    train, rows = facts.train, []
    shows = train.statistics.presence[:, list(class_ids)].sum(axis=1)
    for index in np.argsort(-shows, kind='stable')[:_ROWS].tolist():
        photo = _photo(train, index)
        assert photo is not None, 'it was compared with its labels'
        label_map = train.source.label_map(index)
        colours = train.palette, train.source.ignore_index
        both = overlay_label_map(photo, label_map, *colours)
        cells = {'photo': photo, 'labels': label_map, 'labels on the photo': both}
        rows.append(GalleryRow(cells, Path(train.source.name(index)).name))
    return _gallery(facts, rows, path)


def _gallery(facts: Facts, rows: List[GalleryRow], path: Path) -> Path:
    names = [known.name for known in facts.classes]
    ignored = facts.train.source.ignore_index
    return recomposition_gallery(rows, facts.train.palette, ignored, names, path)


def _photo(split: Split, index: int) -> Optional[np.ndarray]:
    """Reads a photo; None where it is missing, or cannot be loaded."""
    try:
        return split.source.shown_photo(index)
    except (OSError, ValueError):
        return None
