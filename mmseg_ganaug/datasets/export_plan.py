"""Writes the recombined label maps of a config as files, to be painted elsewhere.

Run again, it goes on where it was. The photos come back by their IDs:
generator=dict(type='PaintedFolder', folder=...) in the config, or import_photos.
"""

from types import SimpleNamespace
from typing import Any, List, Optional, Sequence, Set

from mmengine.registry import init_default_scope

from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import dataset_of, find_generated
from mmseg_ganaug.datasets.generation import sample_ids
from mmseg_ganaug.datasets.planned_files import PlannedFiles
from mmseg_ganaug.datasets.sample_prompts import TEMPLATE, check_template
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis import PaintedFolder, SampleMaker, TooFewPhotosError
from mmseg_ganaug.synthesis.compositing import Compositing, build_compositing


def generated_dataset(
    path: str, options: Optional[dict], number: Optional[int]
) -> dict:
    """Reads which samples a config generates.

    Args:
        path (str): A config that trains on generated samples.
        options (dict, optional): Settings of it that are overridden.
        number (int, optional): Which of several data sets.

    Returns:
        dict: Config of a ``GANRecomposeDataset``.

    Raises:
        ValueError: When it trains on none, or on several of which none is chosen.
    """
    cfg = read_config(path)
    override(cfg, options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    found = find_generated(dataset_of(cfg))
    if not found:
        raise ValueError(f'{path} trains on no GANRecomposeDataset: there is no plan')
    if number is None and len(found) == 1:
        number = 0
    if number is None or not 0 <= number < len(found):
        raise ValueError(
            f'{path} has {len(found)} generated data sets: choose one by --generated 0 '
            f'to {len(found) - 1}'
        )
    return found[number]


def export_plan(
    config: dict,
    out: str,
    missing: bool = False,
    real: bool = False,
    with_context: bool = True,
    template: str = TEMPLATE,
) -> List[str]:
    """Writes the plan of a generated data set as files; paints nothing.

    The weights of its generator are not needed, unless ``missing`` asks for its store.

    Args:
        config (dict): Of a ``GANRecomposeDataset``.
        out (str): Folder for the files, see
            :class:`~mmseg_ganaug.datasets.planned_files.PlannedFiles`.
        missing (bool): Only what has no sample in the store, or no photo in the
            ``PaintedFolder`` of the config. Defaults to False.
        real (bool): Also the real pairs. Defaults to False.
        with_context (bool): Also photos and masks of what changed. Defaults to True.
        template (str): Prompt; ``{classes}`` stands for the classes.

    Returns:
        list[str]: Files that list what was written.

    Raises:
        InTheWayError: When ``out`` holds files of others at their places.
        ValueError: When an option is wrong, or the data set cannot be planned.
    """
    check_template(template)
    dataset: Any = DATASETS.build({**config, 'lazy_init': True})
    plan, recomposer = dataset.plan()
    source = dataset.label_source()
    ids = sample_ids(plan, source)
    chosen = list(range(len(plan)))
    if missing:
        lacking = _lacking(dataset, ids)
        chosen = [number for number in chosen if ids[number] in lacking]
    composite, compositing = config.get('composite'), Compositing()
    photos = source.photos_digest() if with_context or real else 'without photos'
    # 'auto' says which classes are to be painted.
    if with_context and composite is not None:
        stated = build_compositing(composite, source.class_names)
        compositing = stated if stated.paints else compositing
    files = PlannedFiles(
        out,
        source,
        dataset.metainfo['palette'],
        f'{source.files_digest()} {photos} {compositing.fingerprint()}',
        template,
    )
    maker = SampleMaker(
        plan,
        len(plan),
        recomposer.recompose,
        source,
        SimpleNamespace(uses_context=with_context),
        compositing,
        ids=ids,
    )
    written = [files.write_planned(maker, list(plan), ids, chosen, with_context)]
    if real:
        written.append(files.write_real())
    return list(map(str, written))


def _lacking(dataset: Any, ids: Sequence[str]) -> Set[str]:
    """Finds the IDs that have no sample in the store, or no photo in the folder."""
    try:
        generation = dataset.generation
    except TooFewPhotosError as error:
        return set(error.lacking)
    there = range(len(generation.plan))
    if not isinstance(generation.generator, PaintedFolder):
        there = generation.store.present()
    return set(ids) - {generation.ids[number] for number in there}
