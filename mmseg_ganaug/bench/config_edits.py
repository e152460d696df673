"""Edits the values of any MMSeg config in place: its losses, data and sizes."""

import math
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmseg_ganaug.config_search import (
    dataset_of,
    find_generated,
    has_type,
    nested_dicts,
    type_name,
)

_HEADS = ('decode_head', 'auxiliary_head')
_CROSS_ENTROPY = ('CrossEntropyLoss', 'ClassWeightedCrossEntropyLoss')
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'tta_pipeline')
_TWO_CHANNELS = (
    'For two classes, give the head num_classes=2, out_channels=2 and a '
    'CrossEntropyLoss without use_sigmoid'
)
#: Options of MMSeg's transforms, and ours, that are sizes in pixels.
_SIZES = {
    'Pad': ('size',),
    'RandomChoiceResize': ('scales', 'max_size'),
    'RandomClassCrop': ('crop_size',),
    'RandomCrop': ('crop_size',),
    'RandomResize': ('scale', 'max_size'),
    'Resize': ('scale',),
    'ResizeShortestEdge': ('scale', 'max_size'),
}


def weigh_classes(values: Dict[str, Any], formula: str, cache_dir: str) -> None:
    """Weights the softmax cross entropy of each head by the frequency of the classes.

    Other losses beside it (Dice, Lovasz) stay.

    Args:
        values (dict): Of the config; changed in place.
        formula (str): Name of ``class_weight``, such as 'inverse-sqrt'.
        cache_dir (str): Folder in which the label statistics are kept.

    Raises:
        ValueError: When no decode head has such a loss; names the losses.
    """
    _replace_cross_entropy(
        values,
        dict(
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight=formula,
            cache_dir=cache_dir,
        ),
    )


def use_focal_loss(values: Dict[str, Any]) -> None:
    """Replaces the softmax cross entropy of each head by the focal loss.

    Args:
        values (dict): Of the config; changed in place.

    Raises:
        ValueError: When no decode head has such a loss; names the losses.
    """
    # MMSeg 1.2.2's own FocalLoss needs compiled operators, and fails on the CPU.
    _replace_cross_entropy(values, dict(type='mmseg_ganaug.SoftmaxFocalLoss'))


def sample_hard_pixels(values: Dict[str, Any], thresh: float, share: int) -> None:
    """Has the decode heads train on the pixels of little confidence alone.

    Args:
        values (dict): Of the config; changed in place.
        thresh (float): Pixels whose class has less probability are trained on.
        share (int): One in so many pixels of a crop is kept at least.

    Raises:
        ValueError: When a head has a sampler already or takes none, or the size of a
            crop is not known.
    """
    height, width = crop_size(values)
    for name, head in _heads(values):
        if name != 'decode_head':
            continue
        losses = head.get('loss_decode', [])
        mined = [c for c in nested_dicts(losses) if has_type(c, 'OhemCrossEntropy')]
        if head.get('sampler') is not None or mined:
            raise ValueError(
                f'{type_name(head)} chooses its pixels already: '
                f'{"OhemCrossEntropy" if mined else head["sampler"]}'
            )
        if _matches_queries(head):
            raise ValueError(f'{type_name(head)} takes no sampler of pixels')
        if head.get('out_channels') == 1:
            raise ValueError(
                f'{type_name(head)} has out_channels=1, of which OHEMPixelSampler '
                f'finds no probability. {_TWO_CHANNELS}'
            )
        head['sampler'] = dict(
            type='OHEMPixelSampler', thresh=thresh, min_kept=height * width // share
        )


def crop_size(values: Dict[str, Any]) -> Tuple[int, int]:
    """Finds height and width in pixels of what the network is trained on.

    Args:
        values (dict): Of the config.

    Returns:
        tuple[int, int]: Of the preprocessor, else of the last crop of the pipeline.

    Raises:
        ValueError: When the config states neither.
    """
    size = _preprocessor(values).get('size')
    if size is None:
        for config in nested_dicts(values.get('train_dataloader')):
            size = config.get('crop_size', size)
    if size is None:
        raise ValueError(
            'the size of the crops is not known: set '
            'model.data_preprocessor.size=(height, width)'
        )
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def draw_rare_classes(values: Dict[str, Any], cache_dir: str) -> None:
    """Draws samples by the classes that they show.

    Args:
        values (dict): Of the config; changed in place.
        cache_dir (str): Folder in which the label statistics are kept.

    Raises:
        ValueError: When the training data cannot be drawn so; says why.
    """
    holder = _holder_of_real(values)
    if holder is not values['train_dataloader']:
        raise ValueError(
            'the training data set is a MultiImageMixDataset, which augments samples '
            'of several photos: they cannot be drawn by their classes'
        )
    holder['dataset'] = dict(
        type='mmseg_ganaug.RareClassSamplingDataset',
        dataset=holder['dataset'],
        cache_dir=cache_dir,
    )


def recombine(
    values: Dict[str, Any],
    way: Dict[str, Any],
    generator: Optional[Dict[str, Any]],
    cache_dir: str,
    ratio: float,
    seed: int,
) -> None:
    """Mixes as many recombined pairs as real ones into the batches.

    Args:
        values (dict): Of the config; changed in place.
        way (dict): Config of the recomposer; classes and target are set here.
        generator (dict, optional): ``config`` and ``checkpoint`` of what paints the
            photos, where their labels change; None: they are of real pixels.
        cache_dir (str): Folder for statistics and samples.
        ratio (float): Recombined pairs for each real sample.
        seed (int): Of the plan.

    Raises:
        ValueError: When the training data holds such pairs already, or is drawn by a
            sampler of the user.
    """
    holder, loader = _holder_of_real(values), values['train_dataloader']
    drawn_by = loader.get('sampler') or dict(type='DefaultSampler')
    if type_name(drawn_by) not in ('InfiniteSampler', 'DefaultSampler'):
        raise ValueError(
            f'train_dataloader.sampler is a {type_name(drawn_by)}, which one that '
            'mixes generated pairs would have to replace'
        )
    real, loop = holder['dataset'], values['train_cfg']
    generated = dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=real,
        recomposer=dict(way, classes='rare', target='sqrt'),
        generator=generator,
        cache_dir=cache_dir,
        ratio=ratio,
        seed=seed,
        **({} if generator is None else dict(composite='changed')),
    )
    holder['dataset'] = dict(type='ConcatDataset', datasets=[real, generated])
    epochs = loop.get('by_epoch') or type_name(loop) == 'EpochBasedTrainLoop'
    kind = 'RatioSampler' if epochs else 'InfiniteRatioSampler'
    loader['sampler'] = dict(type=f'mmseg_ganaug.{kind}', generated_fraction=0.5)


def enlarge(values: Dict[str, Any], factor: float) -> None:
    """Trains and evaluates on larger photos, in larger crops.

    All sizes of the pipelines, of the preprocessor and of sliding windows are
    multiplied. Labels are evaluated at the size at which the pipeline leaves them.

    Args:
        values (dict): Of the config; changed in place.
        factor (float): Of height and width, above 1.

    Raises:
        ValueError: When the training pipeline sets no size.
    """
    found = 0
    seen = set()
    for name in _LOADERS:
        for config in nested_dicts(values.get(name)):
            if id(config) in seen:  # One pipeline in several places.
                continue
            seen.add(id(config))
            for option in _SIZES.get(type_name(config), ()):
                if config.get(option) is not None:
                    config[option] = _larger(config[option], factor)
                    found += name == 'train_dataloader'
    if not found:
        raise ValueError(
            'the training pipeline neither resizes nor crops, so there is no size to '
            'enlarge'
        )
    model = values['model']
    for owner, option in [
        (_preprocessor(values), 'size'),
        (model.get('test_cfg') or {}, 'crop_size'),
        (model.get('test_cfg') or {}, 'stride'),
    ]:
        if owner.get(option) is not None:
            owner[option] = _larger(owner[option], factor)


def _preprocessor(values: Dict[str, Any]) -> Dict[str, Any]:
    """Finds the preprocessor: in the model, else beside it, as MMEngine does."""
    stated = values['model'].get('data_preprocessor')
    return stated or values.get('data_preprocessor') or {}


def _larger(size: Any, factor: float) -> Any:
    """Multiplies a size, so that it is divisible by what it was, up to 16."""
    if isinstance(size, (list, tuple)):
        return type(size)(_larger(side, factor) for side in size)
    step = math.gcd(size, 16)
    return step * math.ceil(size * factor / step)


def _heads(values: Dict[str, Any]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Yields the heads of a segmenter, single or in lists."""
    for name in _HEADS:
        heads = values['model'].get(name)
        for head in heads if isinstance(heads, (list, tuple)) else [heads]:
            if head is not None:
                # K-Net's head takes losses and sampler by the one it is given.
                yield name, head.get('kernel_generate_head', head)


def _replace_cross_entropy(values: Dict[str, Any], by: Dict[str, Any]) -> None:
    """Replaces the softmax cross entropies by a loss of the same weight and name."""
    found: Dict[str, List[str]] = {name: [] for name in _HEADS}
    replaced = 0
    for name, head in _heads(values):
        if 'loss_decode' not in head and _matches_queries(head):
            continue
        losses = head.get('loss_decode', dict(type='CrossEntropyLoss'))
        several = isinstance(losses, (list, tuple))
        new = list(losses) if several else [losses]
        for number, loss in enumerate(new):
            sigmoid = ' with use_sigmoid' if loss.get('use_sigmoid') else ''
            found[name].append(f'{type_name(loss)}{sigmoid}')
            if _is_softmax(loss):
                kept = ('loss_weight', 'loss_name')
                new[number] = dict(by, **{k: loss[k] for k in kept if k in loss})
                replaced += name == 'decode_head'
        head['loss_decode'] = new if several else new[0]
    if not replaced:
        binary = any(head.get('out_channels') == 1 for _, head in _heads(values))
        raise ValueError(
            'no decode head of the config has a softmax CrossEntropyLoss to replace: '
            f'the losses are {", ".join(found["decode_head"]) or "not in loss_decode"}'
            + (f'. {_TWO_CHANNELS}' if binary else '')
        )


def _matches_queries(head: Dict[str, Any]) -> bool:
    """Checks whether a head, as MaskFormer's, does not classify each pixel."""
    return 'loss_cls' in head or 'loss_mask' in head


def _is_softmax(loss: Dict[str, Any]) -> bool:
    return type_name(loss) in _CROSS_ENTROPY and not (
        loss.get('use_sigmoid') or loss.get('use_mask')
    )


def _holder_of_real(values: Dict[str, Any]) -> Dict[str, Any]:
    """Finds the config whose ``dataset`` gives single, real samples."""
    data = dataset_of(values)
    drawn: Optional[str] = None
    if find_generated(data):
        drawn = 'generated pairs'
    for config in nested_dicts(data):
        if has_type(config, 'RareClassSamplingDataset'):
            drawn = 'samples drawn by their classes'
        if has_type(config, 'RecomposeLabels'):
            drawn = 'samples recombined by RecomposeLabels'
    if drawn is not None:
        raise ValueError(
            f'the config trains on {drawn} already: give the config without them'
        )
    # Mosaic and the like mix samples behind the loading, generated ones too.
    mixes = has_type(data, 'MultiImageMixDataset')
    return data if mixes else values['train_dataloader']
