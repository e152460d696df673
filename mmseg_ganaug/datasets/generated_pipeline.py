"""The pipeline of generated samples: that of their source after its loading steps."""

import copy
import logging
from typing import Any, List, Optional, Sequence

import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from mmseg_ganaug.config_search import nested_dicts, type_name
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.loading_steps import (
    LabelReadingError,
    Transform,
    find_loading_steps,
    is_loader,
    is_packer,
    kept_random_state,
    transform_name,
)
from mmseg_ganaug.datasets.photo_form import COLOUR, PhotoForm
from mmseg_ganaug.datasets.source_dataset import SourceDataset
from mmseg_ganaug.datasets.transforms.loading import LoadGeneratedSample

_TRIES = 3


def generated_pipeline(
    source: SourceDataset,
    given: Optional[Sequence[Any]] = None,
    form: PhotoForm = COLOUR,
) -> List[Transform]:
    """Builds the transforms that generated samples go through.

    Files of generated samples hold what loading would give: final class ids, and the
    values of photos. So a loader of this package replaces the loading transforms; the
    rest of the pipeline follows.

    Args:
        source (SourceDataset): What the samples are made from.
        given (Sequence, optional): A pipeline to be used in the place of the source's.
            Its loading transforms are left out, if it has any.
        form (PhotoForm): In which photos are loaded. Defaults to 8 bits in 3 bands.

    Returns:
        list[callable]: The transforms.

    Raises:
        LabelReadingError: When it is not known where loading ends.
    """
    # Without a runner there is no default scope to find MMSeg's transforms in.
    scope = None if DefaultScope.get_current_instance() else 'mmseg'
    with DefaultScope.overwrite_default_scope(scope):
        if given is None:
            reader = source.reader(0)
            first = source.pipeline(0)
            rest = _without(first, reader.loading)
            if any(source.pipeline(n) != first for n in range(len(source.parts))):
                print_log(
                    'The data sets of the source have different pipelines: generated '
                    'samples use the first; set pipeline=[...] to choose another',
                    logger='current',
                    level=logging.WARNING,
                )
        else:
            rest = _without(list(given), _loading_places(source, given))
        loader = LoadGeneratedSample(
            len(source.metainfo['classes']), source.ignore_index, *form
        )
        return Compose([loader, *rest]).transforms


def pipeline_of_samples(
    source: SourceDataset,
    labels: DatasetLabelSource,
    given: Optional[Sequence[Any]],
    source_config: Any,
) -> Compose:
    """Builds the pipeline of generated samples, and tries it on one.

    Args:
        source (SourceDataset): What the samples are made from.
        labels (DatasetLabelSource): Its label maps, at the size of the samples.
        given (Sequence, optional): See :func:`generated_pipeline`.
        source_config (dict | BaseSegDataset): Of the source, for messages.

    Raises:
        ValueError: See :func:`generated_pipeline` and :func:`try_pipeline`.
    """
    there = not labels.missing_photos()
    form = labels.photo_form if there else COLOUR
    transforms = generated_pipeline(source, given, form)
    real = None
    if given is None and there:
        with kept_random_state():
            real = source[0]
    try_pipeline(transforms, labels.label_map(0), real, source_config)
    return Compose(transforms)


def try_pipeline(
    transforms: Sequence[Transform],
    label_map: np.ndarray,
    real: Optional[dict],
    source_config: Any,
) -> None:
    """Runs a made-up sample through the pipeline, before real ones are generated.

    Args:
        transforms (Sequence[callable]): See :func:`generated_pipeline`.
        label_map (np.ndarray): uint8 [H, W], of a sample.
        real (dict, optional): A real sample as its own pipeline gives it, to compare.
        source_config (dict | BaseSegDataset): Of the source, for messages.

    Raises:
        ValueError: When a transform needs what generated samples have not, no transform
            packs them, or they come out otherwise than real ones; names the transform.
    """
    loader = transforms[0]
    assert isinstance(loader, LoadGeneratedSample)
    form = loader.form
    photo = np.repeat(label_map[..., None], max(form.bands, 1), axis=-1)
    made: Optional[dict] = None
    with kept_random_state():
        for _ in range(_TRIES):
            sample: Any = loader.results(
                dict(img_path='', seg_map_path='', recipe=0), photo, label_map.copy()
            )
            for transform in transforms[1:]:
                try:
                    sample = transform(sample)
                except Exception as error:
                    raise ValueError(
                        f'{transform_name(transform)}, in the pipeline of the source, '
                        f'fails on a generated sample ({type(error).__name__}: '
                        f'{error}). A generated sample has a photo ({form}), '
                        "a label map, and the keys that MMSeg's loading transforms "
                        'give; no other files, bands or keys. Give '
                        'GANRecomposeDataset a pipeline=[...] without that '
                        'transform, or make the transform skip samples that lack '
                        'what it needs'
                    ) from error
                if sample is None:
                    break
            made = sample if sample is not None else made
    if made is None:
        return
    if not any(map(is_packer, transforms)) and _packs_outside(source_config):
        raise ValueError(
            'the source is a MultiImageMixDataset whose inner data set has no '
            'PackSegInputs, so generated samples would not be packed: set source= to '
            'the inner data set (.dataset), and write '
            'MultiImageMixDataset(dataset=ConcatDataset(datasets=[real, generated]), '
            'pipeline=...) around both'
        )
    _compare(made, real)


def _loading_places(source: SourceDataset, given: Sequence[Any]) -> List[int]:
    transforms = Compose(copy.deepcopy(list(given))).transforms
    values = [*range(len(source.metainfo['classes'])), 255]
    try:
        steps = find_loading_steps(transforms, source.first_infos()[0], values)
    except LabelReadingError:
        if any(map(is_loader, transforms)):
            raise
        return []
    return steps.loading


def _without(pipeline: Sequence[Any], places: Sequence[int]) -> List[Any]:
    return [step for place, step in enumerate(pipeline) if place not in places]


def _packs_outside(config: Any) -> bool:
    return isinstance(config, dict) and any(
        type_name(part) == 'MultiImageMixDataset'
        for part in nested_dicts(config)
        if 'type' in part
    )


def _compare(made: dict, real: Optional[dict]) -> None:
    """Compares a generated sample with a real one: both must fit into a batch."""
    key = next((k for k in ('inputs', 'img') if k in made), None)
    if real is None or key is None or key not in real:
        return
    forms = []
    for sample in (real, made):
        value = sample[key]
        bands = value.shape[0 if key == 'inputs' else 2] if value.ndim == 3 else 1
        forms.append(f'{value.dtype} with {bands} bands'.replace('torch.', ''))
    if forms[0] != forms[1]:
        raise ValueError(
            f'the pipeline gives real photos as {forms[0]} and generated ones as '
            f'{forms[1]}, but a batch cannot hold both: have the loading transforms '
            'give every photo in one form'
        )
