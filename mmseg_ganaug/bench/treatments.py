"""Treatments of rare classes, as overlays on a user's own config."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union

from mmengine.config import Config

from mmseg_ganaug.bench.config_changes import changes, changes_text
from mmseg_ganaug.bench.config_edits import (
    draw_rare_classes,
    enlarge,
    recombine,
    sample_hard_pixels,
    use_focal_loss,
    weigh_classes,
)
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.safe_configs import config_text, read_config, write_config

_HEAD = '# Treatment {name} of {config}, written by `ganaug apply`.\n'
#: In the order in which they are applied: data are made of crops of the new size, and
#: hard pixels are counted in them.
_PLACES = ('size', 'data', 'loss', 'pixels')


@dataclass(frozen=True)
class TreatmentData:
    """What treatments need beside the config.

    Attributes:
        cache_dir: Folder of label statistics and generated samples.
        generator: ``config`` and ``checkpoint`` of a trained generator, for painted
            pairs.
        seed: Of the plan of generated pairs.
        ratio: Generated pairs for each real sample.
    """

    cache_dir: str = 'data/ganaug'
    generator: Optional[Mapping[str, Any]] = None
    seed: int = 0
    ratio: float = 4.0


_Edit = Callable[[Dict[str, Any], TreatmentData], None]


@dataclass(frozen=True)
class Treatment:
    """One treatment.

    Attributes:
        name: As on the command line.
        title: For people.
        note: What it does, in a sentence.
        simplicity: 0 for plain training, rising: of equals, the lowest is chosen.
        place: What of the config it changes: 'size', 'data', 'loss' or 'pixels'; two
            of one place cannot be combined.
        edit: Changes the values of a config in place.
        needs: What has to be there: 'generator', or nothing.
    """

    name: str
    title: str
    note: str
    simplicity: int
    place: str
    edit: _Edit
    needs: Tuple[str, ...] = ()


def _weights(formula: str) -> _Edit:
    return lambda values, data: weigh_classes(values, formula, data.cache_dir)


def _pairs(way: str, **options: Any) -> _Edit:
    """Adds pairs that the generator paints."""

    def edit(values: Dict[str, Any], data: TreatmentData) -> None:
        if data.generator is None:
            raise ValueError(
                'a trained generator is needed: give its config and its checkpoint, '
                'or choose real-pixels, which needs none'
            )
        generator = dict(data.generator)
        recombine(
            values, dict(type=way), generator, data.cache_dir, data.ratio, data.seed
        )

    return edit


def _real_pixels(values: Dict[str, Any], data: TreatmentData) -> None:
    way = dict(type='AddMulti', objects={})
    recombine(values, way, None, data.cache_dir, data.ratio, data.seed)


_ALL = (
    Treatment(
        name='plain',
        title='As it is',
        note='The config as it is.',
        simplicity=0,
        place='',
        edit=lambda values, data: None,
    ),
    Treatment(
        name='class-weights-sqrt',
        title='Class weights, square root',
        note='Weights the loss of a class by the square root of its inverse frequency.',
        simplicity=1,
        place='loss',
        edit=_weights('inverse-sqrt'),
    ),
    Treatment(
        name='class-weights-rare',
        title='Class weights of rare classes',
        note='Weights by the same square root, but no class below one.',
        simplicity=1,
        place='loss',
        edit=_weights('rare'),
    ),
    Treatment(
        name='class-weights-inverse',
        title='Class weights, inverse',
        note='Weights the loss of a class by its inverse frequency.',
        simplicity=1,
        place='loss',
        edit=_weights('inverse'),
    ),
    Treatment(
        name='ohem',
        title='Hard pixels alone (OHEM)',
        note='Trains on the pixels whose class has a probability below 0.7.',
        simplicity=2,
        place='pixels',
        edit=lambda values, data: sample_hard_pixels(values, 0.7, 16),
    ),
    Treatment(
        name='focal',
        title='Focal loss',
        note='Weights the loss of a pixel down where it is classified well.',
        simplicity=2,
        place='loss',
        edit=lambda values, data: use_focal_loss(values),
    ),
    Treatment(
        name='rare-class-sampling',
        title='Rare class sampling',
        note='Draws photos and crops that show rare classes more often.',
        simplicity=3,
        place='data',
        edit=lambda values, data: draw_rare_classes(values, data.cache_dir),
    ),
    Treatment(
        name='larger-crops',
        title='Larger photos and crops',
        note='Trains and evaluates at 1.5 times the height and width.',
        simplicity=4,
        place='size',
        edit=lambda values, data: enlarge(values, 1.5),
    ),
    Treatment(
        name='real-pixels',
        title='Recombined real pixels',
        note='Adds pairs in which rare objects of other photos are pasted.',
        simplicity=5,
        place='data',
        edit=_real_pixels,
    ),
    Treatment(
        name='add-single',
        title='Generated pairs, AddSingle',
        note='Adds generated pairs whose label map holds one rare class more.',
        simplicity=6,
        place='data',
        edit=_pairs('AddSingle'),
        needs=('generator',),
    ),
    Treatment(
        name='add-multi',
        title='Generated pairs, AddMulti',
        note='Adds generated pairs whose label map holds several rare classes more.',
        simplicity=6,
        place='data',
        edit=_pairs('AddMulti'),
        needs=('generator',),
    ),
    Treatment(
        name='recon',
        title='Generated pairs, Recon',
        note='Adds generated pairs whose label map is built of layers of several.',
        simplicity=6,
        place='data',
        edit=_pairs('Recon'),
        needs=('generator',),
    ),
)
#: By name. Names joined by '+' are combinations, see :func:`find_treatment`.
TREATMENTS: Dict[str, Treatment] = {found.name: found for found in _ALL}


def find_treatment(name: str) -> Treatment:
    """Finds a treatment, or the combination of several.

    Args:
        name (str): A name of :data:`TREATMENTS`, or several joined by '+', such as
            'class-weights-sqrt+real-pixels'.

    Returns:
        Treatment: Of a combination, ``place`` is that of its parts, joined by '+', and
        ``simplicity`` is 10 more than their sum.

    Raises:
        ValueError: When a name is unknown, or two of them change the same; names them.
    """
    parts = []
    for part in name.split('+'):
        if part not in TREATMENTS:
            raise ValueError(
                f'there is no treatment {part!r}: choose of {", ".join(TREATMENTS)}, '
                'or join some by +'
            )
        parts.append(TREATMENTS[part])
    if len(parts) == 1:
        return parts[0]
    places: Dict[str, str] = {}
    for found in parts:
        if not found.place:
            raise ValueError(f'{name}: plain is combined with nothing')
        if found.place in places:
            raise ValueError(
                f'{name}: {places[found.place]} and {found.name} change the same '
                f'({found.place}): leave one of them out'
            )
        places[found.place] = found.name
    ordered = sorted(parts, key=lambda found: _PLACES.index(found.place))

    def edit(values: Dict[str, Any], data: TreatmentData) -> None:
        for found in ordered:
            _edit(found, values, data)

    return Treatment(
        name=name,
        title=' + '.join(found.title for found in parts),
        note=' '.join(found.note for found in parts),
        simplicity=10 + sum(found.simplicity for found in parts),
        place='+'.join(places),
        edit=edit,
        needs=tuple(dict.fromkeys(need for found in parts for need in found.needs)),
    )


def overlay(name: str, cfg: Config, data: TreatmentData) -> Dict[str, Any]:
    """Finds the options to merge over a config, so that it has a treatment.

    Args:
        name (str): Of the treatment, or of several joined by '+'.
        cfg (Config): The user's. It is not changed.
        data (TreatmentData): What treatments need.

    Returns:
        dict[str, Any]: Nested, with ``_delete_``, for ``cfg.merge_from_dict``.

    Raises:
        ValueError: When there is no such treatment, or it cannot be applied to the
            config; names the treatment and says why.
    """
    old = cfg.to_dict()
    if not old.get('model'):
        raise ValueError(
            f'{cfg.filename or "the config"} has no model: give the config of a '
            'training'
        )
    new = copy.deepcopy(old)
    _edit(find_treatment(name), new, data)
    found = changes(old, new)
    if 'mmseg_ganaug.' in repr(found):
        found.update(_with_import(old))
    return found


def overlay_text(name: str, cfg: Config, data: TreatmentData) -> str:
    """Returns the lines of an overlay as a config, without its ``_base_``.

    Args:
        name (str): See :func:`overlay`.
        cfg (Config): The user's.
        data (TreatmentData): What treatments need.

    Returns:
        str: Python; nothing for 'plain'.

    Raises:
        ValueError: See :func:`overlay`.
    """
    return changes_text(overlay(name, cfg, data), cfg.to_dict())


def write_overlay(
    config: Union[str, Path],
    name: str,
    out: Union[str, Path],
    data: TreatmentData,
    cfg_options: Optional[Mapping[str, Any]] = None,
    write: Callable[[Path, str], Path] = write_atomically,
) -> Path:
    """Writes a config that builds on the user's and has a treatment.

    Args:
        config (str | Path): The user's config; it is not changed. One of MMEngine's
            pure Python cannot be a ``_base_``: then all values are written.
        name (str): See :func:`overlay`.
        out (str | Path): Where it goes. A file that is not by this function stays.
        data (TreatmentData): What treatments need.
        cfg_options (Mapping, optional): Further settings, by keys joined by dots.
        write (callable): Writes a text to a path, such as ``WorkFolder.write``.

    Returns:
        Path: ``out``.

    Raises:
        FileNotFoundError: When there is no such config.
        InTheWayError: When ``out`` is a file or folder of the user.
        ValueError: When ``out`` does not end with '.py', and see :func:`overlay`.
    """
    config, out = Path(config), Path(out)
    if out.suffix != '.py' and not out.is_dir():
        raise ValueError(f'--out {out}: a config is wanted, whose name ends with .py')
    base = read_config(config)
    cfg = copy.deepcopy(base)
    override(cfg, cfg_options)
    cfg.merge_from_dict(overlay(name, cfg, data))
    old, new = base.to_dict(), cfg.to_dict()
    head = _HEAD.format(name=name, config=config.name)
    if os.path.lexists(out) and not _is_overlay(out):
        raise InTheWayError([out], 'Choose another file by --out.')
    if is_pure_python(config):
        text = config_text(new)
    else:
        text = f'_base_ = {_seen_from(out.parent, config)!r}\n'
        text += changes_text(changes(old, new), old)
    return write_config(head + text, out, write)


def _is_overlay(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b'# Treatment ')


def _seen_from(folder: Path, config: Path) -> str:
    """Returns the path of a config from a folder, as a ``_base_`` states it."""
    relative = os.path.relpath(config, folder)
    # From behind a link, '..' leads elsewhere than the text of the path says.
    if os.path.realpath(os.path.join(os.path.realpath(folder), relative)) != (
        os.path.realpath(config)
    ):
        relative = os.path.relpath(os.path.realpath(config), os.path.realpath(folder))
    relative = Path(relative).as_posix()
    return relative if relative.startswith('.') else f'./{relative}'


def _edit(found: Treatment, values: Dict[str, Any], data: TreatmentData) -> None:
    try:
        found.edit(values, data)
    except ValueError as error:
        raise ValueError(f'treatment {found.name}: {error}') from error


def _with_import(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Lets a config import this package, beside what it imports already."""
    found = values.get('custom_imports') or {}
    names = found.get('imports', [])
    names = [names] if isinstance(names, str) else list(names)
    if 'mmseg_ganaug' in names:
        return {}
    imports = dict(found, imports=[*names, 'mmseg_ganaug'])
    imports.setdefault('allow_failed_imports', False)
    return dict(custom_imports=imports)


def is_pure_python(config: Path) -> bool:
    """Checks whether a config is one of MMEngine's pure Python ("lazy") ones.

    Args:
        config (Path): An existing file.
    """
    return config.suffix == '.py' and Config._is_lazy_import(str(config))
