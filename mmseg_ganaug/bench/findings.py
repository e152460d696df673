"""What stands in the way of a class, each with its figures and what it speaks for."""

from typing import List, Optional, Sequence, Tuple

from mmseg_ganaug.bench.class_facts import ClassFacts
from mmseg_ganaug.bench.finding import (
    CROPS,
    HARD_PIXELS,
    PAIRS,
    SAMPLING,
    WEIGHTS,
    Facts,
    Finding,
    Pictures,
    listed,
)
from mmseg_ganaug.bench.label_findings import label_findings
from mmseg_ganaug.bench.network_input import train_crop
from mmseg_ganaug.visualization import (
    confusion_chart,
    margin_chart,
    object_size_chart,
    share_chart,
)

#: Half the width of an interval, in points of IoU, from which on it is wide.
WIDE_MARGIN = 10.0
_MOSTLY = 0.5
_FEW_OBJECTS = 30
_CONFUSED = 0.25
# A class with so many times the pixels wins where the network is not sure.
_FAR_MORE = 5


def find(facts: Facts, pictures: Pictures) -> List[Finding]:
    """Applies all rules, those for problems of the labels first.

    Args:
        facts (Facts): What was measured.
        pictures (Pictures): Draws.
    """
    found = label_findings(facts, pictures)
    for rule in (
        _small_objects,
        _few_val_photos,
        _few_objects,
        _rare_in_photos,
        _rare_in_pixels,
        _cut_off,
        _confused,
    ):
        found += rule(facts, pictures)
    return found


def _small_objects(facts: Facts, pictures: Pictures) -> List[Finding]:
    small, smallish, narrow = (
        [c for c in facts.classes if c.median_object_cells is not None and rule(c)]
        for rule in (
            lambda c: c.median_object_cells < 1,
            lambda c: 1 <= c.median_object_cells < 2,
            lambda c: c.median_object_cells >= 2 and c.median_width_cells < 1,
        )
    )
    cell = (
        f'a cell of the output is {facts.stride.pixels:g} pixels of the input '
        f'({facts.stride.known_from})'
    )
    found: List[Tuple[str, List[ClassFacts], str]] = []
    if small:
        text = (
            f'Half of its pixels or more lie in objects smaller than a cell of the '
            f'network: {listed(_measures(small))}; {cell}. Such objects are found '
            'at best, not outlined: their IoU stays low, however classes are balanced; '
            'a larger scale or a network of smaller stride shows them larger.'
        )
        found.append(('objects-below-a-cell', small, text))
    if smallish:
        text = (
            f'Objects are small for the network: {listed(_measures(smallish))}; '
            f'{cell}. A larger scale or a smaller stride resolves them.'
        )
        found.append(('objects-below-two-cells', smallish, text))
    if narrow:
        widths = [f'{c.name} {c.median_width_cells:.1f} cells' for c in narrow]
        text = (
            f'Objects are narrower than a cell of the network: {listed(widths)}; '
            f'{cell}. They can be found, but come out too wide, so that their IoU '
            'stays low; a larger scale or a smaller stride raises what can be reached.'
        )
        found.append(('objects-narrower-than-a-cell', narrow, text))
    return [
        Finding(
            kind,
            tuple(c.name for c in classes),
            text,
            CROPS,
            (),
            _size_picture(facts, pictures, kind, classes),
        )
        for kind, classes, text in found
    ]


def _measures(classes: Sequence[ClassFacts]) -> List[str]:
    return [
        f'{c.name} {c.median_object_cells:.1f} cells ({c.median_object_pixels:.1f} '
        'pixels, as a square)'
        for c in classes
    ]


def _size_picture(
    facts: Facts, pictures: Pictures, kind: str, classes: Sequence[ClassFacts]
) -> Optional[str]:
    narrow = kind == 'objects-narrower-than-a-cell'
    cells = {}
    for known in classes:
        sizes = facts.sizes[facts.classes.index(known)]
        measured = sizes.widths if narrow else sizes.sides
        cells[known.name] = (measured / facts.stride.pixels, sizes.areas)
    axis = 'width of an object' if narrow else 'size of an object (side of a square)'
    return pictures.draw(
        kind, lambda path: object_size_chart(cells, path, facts.stride.pixels, axis)
    )


def _few_val_photos(facts: Facts, pictures: Pictures) -> List[Finding]:
    unsure = [c for c in facts.classes if (c.interval or 0) >= WIDE_MARGIN]
    if not unsure:
        return []
    unsure.sort(key=lambda c: -(c.interval or 0))
    shown = [
        f'{c.name} ±{c.interval:.0f} points ({c.val_objects} objects in '
        f'{c.val_photos} of {facts.val.statistics.num_maps} photos)'
        for c in unsure
    ]
    how = 'measured' if facts.predicted else 'estimated'
    text = (
        f'The validation photos leave the IoU unsure, whatever is trained: '
        f'{listed(shown)} ({how}, 95 %). Four times as many photos of such a class '
        'halve that.'
    )
    margins = {
        c.name: (c.interval, c.val_photos)
        for c in facts.classes
        if c.interval is not None
    }
    draw = pictures.draw(
        'few-val-photos', lambda path: margin_chart(margins, WIDE_MARGIN, path)
    )
    names = tuple(c.name for c in unsure)
    return [Finding('few-val-photos', names, text, (), (), draw)]


def _few_objects(facts: Facts, pictures: Pictures) -> List[Finding]:
    few = [c for c in facts.rare_classes if 0 < c.objects < _FEW_OBJECTS]
    if not few:
        return []
    shown = [f'{c.name} {c.objects} in {c.train_photos} photos' for c in few]
    text = (
        f'There are few objects to learn from: {listed(shown)}. Drawing their photos '
        'more often shows the same ones again; other surroundings may help, and more '
        'labels do.'
    )
    names = tuple(c.name for c in few)
    return [Finding('few-objects', names, text, ('real-pixels',), SAMPLING)]


def _rare_in_photos(facts: Facts, pictures: Pictures) -> List[Finding]:
    rare = [c for c in facts.rare_classes if c.photos < _MOSTLY]
    if not rare:
        return []
    text = (
        f'Most photos do not show {listed(_shares(rare))}: drawing those that do, or '
        'laying its objects into others, has batches show it.'
    )
    names = tuple(c.name for c in rare)
    draw = _share_picture(facts, pictures)
    return [Finding('rare-in-photos', names, text, (*SAMPLING, *PAIRS), (), draw)]


def _rare_in_pixels(facts: Facts, pictures: Pictures) -> List[Finding]:
    rare = [c for c in facts.rare_classes if c.photos >= _MOSTLY]
    if not rare:
        return []
    text = (
        f'Most photos show them, on few pixels: {listed(_shares(rare))}. Weights have '
        'these pixels count; drawing photos more often changes little.'
    )
    names = tuple(c.name for c in rare)
    draw = _share_picture(facts, pictures)
    speaks_for = (*WEIGHTS, *HARD_PIXELS)
    return [Finding('rare-in-pixels', names, text, speaks_for, SAMPLING, draw)]


def _cut_off(facts: Facts, pictures: Pictures) -> List[Finding]:
    cut = [c for c in facts.rare_classes if (c.cut_off or 0) >= _MOSTLY]
    if not cut:
        return []
    crop = train_crop(facts.shown.views)
    size = '' if crop is None else f' of {crop[0]} x {crop[1]} pixels (height x width)'
    shown = [f'{c.name} {100 * (c.cut_off or 0):.0f} %' for c in cut]
    text = (
        f'The crops{size} cut off most of the objects that they show: {listed(shown)}.'
    )
    return [Finding('cut-off', tuple(c.name for c in cut), text, CROPS)]


def _confused(facts: Facts, pictures: Pictures) -> List[Finding]:
    mixed = [
        c
        for c in facts.rare_classes
        if c.val_photos and c.taken_for and c.taken_for[0].share >= _CONFUSED
    ]
    if not mixed:
        return []
    pixels = {c.name: c.pixels for c in facts.classes}
    frequent, texts, shares = False, [], {}
    for known in mixed:
        assert known.taken_for
        other = known.taken_for[0]
        times = pixels[other.name] / max(known.pixels, 1e-12)
        frequent |= times >= _FAR_MORE
        more = f', which has {times:.0f} times its pixels' if times >= _FAR_MORE else ''
        texts.append(f'{known.name} for {other.name} ({100 * other.share:.0f} %{more})')
        right = _right(facts, known.name)
        shares[known.name] = [(known.name, right), *known.taken_for]
    text = f'The network takes, by pixels, {listed(texts)}.'
    if frequent:
        text += ' Weights shift the balance where it is not sure.'
    draw = pictures.draw('confused', lambda path: confusion_chart(shares, path))
    names = tuple(c.name for c in mixed)
    speaks_for = WEIGHTS if frequent else ()
    return [Finding('confused', names, text, speaks_for, (), draw)]


def _right(facts: Facts, name: str) -> float:
    assert facts.predicted is not None
    class_id = [c.name for c in facts.classes].index(name)
    row = facts.predicted.confusion[class_id]
    return float(row[class_id] / max(row.sum(), 1))


def _share_picture(facts: Facts, pictures: Pictures) -> Optional[str]:
    pixels, photos = (
        {c.name: getattr(c, name) for c in facts.classes}
        for name in ('pixels', 'photos')
    )
    return pictures.draw('shares', lambda path: share_chart(pixels, photos, path))


def _shares(classes: Sequence[ClassFacts]) -> List[str]:
    return [
        f'{c.name} ({100 * c.pixels:.2g} % of the pixels, {100 * c.photos:.0f} % of '
        'the photos)'
        for c in classes
    ]
