"""Three ways in, one config out: ToyStreets, two folders, any config of MMSeg."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from mmengine.config import Config

from mmseg_ganaug.bench.splits import split_photos
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import (
    find_real,
    find_shipped,
    has_type,
    model_of,
    nested_dicts,
    type_name,
)
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.experiments.training_run import num_iters
from mmseg_ganaug.own_data.configs import scale_length
from mmseg_ganaug.own_data.prepare import FolderData
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import read_config, write_config
from mmseg_ganaug.toy_streets import make_toy_streets

#: What trains in place of the user's network, and the demonstration on ToyStreets.
PROXY = 'configs/pspnet/pspnet_efficientnet-lite0-fpn_1xb2-900_toystreets-112x160.py'
#: ToyStreets of the demonstration: photos to train on, and to choose and evaluate on.
TOY_TRAIN, TOY_VAL = 40, 100
# Ordinary streets have too few people and signs for ten minutes of training.
TOY_CROWD = 6
TOY_CONFIG = (
    'configs/pspnet/pspnet_efficientnet-lite0s16-fpn_1xb2-500_toystreets-112x160.py'
)
# Of a config, what the proxy leaves as it stands.
_OF_THE_DATA = (
    *('train_dataloader', 'val_dataloader', 'custom_imports', 'val_evaluator'),
)
_NEEDED = ('train_dataloader', 'val_dataloader', 'model', 'train_cfg')
_STEP, _LOG_INTERVAL = 16, 10
# Of SegDataPreProcessor, with its defaults.
_NORMALISATION = dict(mean=None, std=None, bgr_to_rgb=False, rgb_to_bgr=False)
_CROPS = ('RandomCrop', 'RandomClassCrop')
# Pixels of a photo of two folders in training.
_AREA = 240 * 320


@dataclass(frozen=True)
class BenchInputs:
    """What a bench trains and evaluates.

    Attributes:
        name: Of the data, for headings.
        config: The user's config, which overlays are made for.
        stated: What it says.
        cfg: What is trained as 'plain': it, or the proxy on its data. Its validation
            data choose, its test data evaluate.
        classes: Names of the classes.
        ignore_index: Label value of pixels without a class.
        proxy: Whether another network than that of the config trains, and its name.
        photos: Number of photos to 'train' on, to 'choose' by and to 'evaluate' on.
        split: How those that evaluate were found.
        notes: What else is to be known, a sentence each.
        digest: Names the content of the label maps that are trained on.
    """

    name: str
    config: Path
    stated: Config
    cfg: Config
    classes: List[str]
    ignore_index: int
    proxy: Dict[str, Any]
    photos: Dict[str, int]
    split: str
    digest: str
    notes: List[str] = field(default_factory=list)


def toy_streets_config(work: WorkFolder, folder: Path) -> Path:
    """Makes ToyStreets, and writes the config of the demonstration.

    Args:
        work (WorkFolder): The config goes to ``configs`` in it.
        folder (Path): Folder of ToyStreets, in the work folder.

    Returns:
        Path: The config.
    """
    work.add_folder(folder)
    make_toy_streets(folder, TOY_TRAIN, TOY_VAL, crowd=TOY_CROWD)
    cfg = read_config(find_shipped(TOY_CONFIG))
    for part in nested_dicts(cfg._cfg_dict):
        if has_type(part, 'ToyStreetsDataset'):
            part['data_root'] = str(folder)
    return write_config(cfg, work.folder / 'configs' / 'toystreets.py', work.write)


def folders_config(
    work: WorkFolder, folder: Path, images: str, masks: str, **options: Any
) -> Path:
    """Finds classes and splits of photos and masks, and writes a config.

    Args:
        work (WorkFolder): Holds ``folder``.
        folder (Path): Where lists and configs go.
        images (str): Folder of the photos.
        masks (str): Folder of the masks.
        **options: Of :class:`~mmseg_ganaug.own_data.prepare.FolderData`.

    Returns:
        Path: The config of a segmenter.
    """
    work.add_folder(folder)
    data = FolderData(
        images, masks, work_dir=folder, ways=(), val_share=0.4, area=_AREA, **options
    )
    return data.write_configs()['plain']


def read_inputs(
    config: Union[str, Path],
    cache_dir: Path,
    name: str = '',
    proxy: str = 'default',
    evaluate_on: Sequence[str] = (),
    cfg_options: Optional[Mapping[str, Any]] = None,
) -> BenchInputs:
    """Reads a config, lays the proxy over it, and shares out its photos.

    Args:
        config (str | Path): Of a segmenter of MMSeg.
        cache_dir (Path): Folder of the statistics of label maps.
        name (str): Of the data. Defaults to that of the config.
        proxy (str): 'default', 'none': the config's own network trains, or the config
            of another one.
        evaluate_on (Sequence[str]): See
            :func:`~mmseg_ganaug.bench.splits.split_photos`.
        cfg_options (Mapping[str, Any], optional): Options that replace those of the
            config.

    Returns:
        BenchInputs: All of it.

    Raises:
        FileNotFoundError: When the config or a file of the data set is missing.
        ValueError: When the config lacks something; names it.
    """
    path = find_shipped(config)
    stated = read_config(path)
    override(stated, cfg_options)
    missing = [key for key in _NEEDED if not stated.get(key)]
    if missing:
        raise ValueError(
            f'{path} lacks {", ".join(missing)}: a bench needs the config of a '
            'training, with training and validation data'
        )
    source = build_source(stated.train_dataloader.dataset)
    labels = DatasetLabelSource(source)
    classes, ignored = list(source.metainfo['classes']), source.ignore_index
    notes: List[str] = []
    cfg = Config(copy.deepcopy(stated._cfg_dict), filename=stated.filename)
    used = {'used': False, 'name': Path(path).stem}
    if proxy != 'none':
        shipped = find_shipped(PROXY if proxy == 'default' else proxy)
        cfg, notes = lay_proxy(stated, read_config(shipped), len(classes), ignored)
        used = {'used': True, 'name': shipped.stem}
    metric = dict(
        type='mmseg_ganaug.ClassIoUMetric', iou_metrics=['mIoU'], ignore_index=ignored
    )
    cfg.val_evaluator, cfg.test_evaluator = metric, dict(metric)
    cfg.val_cfg, cfg.test_cfg = dict(type='ValLoop'), dict(type='TestLoop')
    split = split_photos(cfg, cache_dir, evaluate_on)
    return BenchInputs(
        name=name or path.stem,
        config=path,
        stated=stated,
        cfg=cfg,
        classes=classes,
        ignore_index=ignored,
        proxy=used,
        photos=split.photos,
        split=split.text,
        digest=labels.files_digest(),
        notes=notes,
    )


def lay_proxy(
    stated: Config, proxy: Config, num_classes: int, ignore_index: int
) -> Tuple[Config, List[str]]:
    """Returns the training of another network on the data of a config.

    Data sets and their pipelines stay as they are, but for crops: these are made as
    small as those of the proxy, in the shape that they have. Photos are not made
    smaller, nor are the objects in them. The loss of the head stays where it is a plain
    or a weighted cross entropy, and the normalisation of photos where these are not of
    8 bits.

    Args:
        stated (Config): Of the user.
        proxy (Config): Its network, schedule, batches and hooks are used.
        num_classes (int): Number of classes.
        ignore_index (int): Label value of pixels without a class.

    Returns:
        tuple[Config, list[str]]: A new config, and what to know of it, in sentences.

    Raises:
        ValueError: When the proxy is not for photos of as many bands.
    """
    cfg = Config(copy.deepcopy(proxy._cfg_dict), filename=stated.filename)
    batches = cfg.pop('train_dataloader')
    for key in (*_OF_THE_DATA, 'tta_pipeline', 'train_pipeline', 'test_pipeline'):
        cfg.pop(key, None)
        if key in _OF_THE_DATA and key in stated:
            cfg[key] = copy.deepcopy(stated[key])
    cfg.custom_imports = _joined_imports(stated, proxy)
    loader = {**batches, 'dataset': cfg.train_dataloader.dataset}
    cfg.train_dataloader = loader
    heads = [cfg.model.decode_head, cfg.model.get('auxiliary_head')]
    for head in nested_dicts(heads):
        if 'num_classes' in head:
            head.update(num_classes=num_classes, ignore_index=ignore_index)
    loss = _cross_entropy(stated.model)
    if loss is not None:
        cfg.model.decode_head.loss_decode = loss
    cfg.model = model_of(cfg)
    _lay_normalisation(stated, cfg)
    area = cfg.model.data_preprocessor.get('size') or (112, 160)
    crop, note = _shrink_crops(cfg.train_dataloader.dataset, area)
    cfg.model.data_preprocessor.update(size=crop, seg_pad_val=ignore_index)
    name = f'{proxy.model.type}, {Path(str(proxy.filename)).stem}'
    return cfg, [
        f'Another network was trained in place of that of the config ({name}), to take '
        'less time: what it shows of a treatment holds for its kind, and the winner is '
        'to be trained with your own network, too.',
        note,
    ]


def _lay_normalisation(stated: Config, cfg: Config) -> None:
    """Has a proxy normalise photos as the user's network does, unless they are usual.

    Args:
        stated (Config): Of the user.
        cfg (Config): Of the proxy; changed in place.

    Raises:
        ValueError: When the two are for photos of different numbers of bands.
    """
    theirs = model_of(stated).get('data_preprocessor') or {}
    ours = cfg.model.get('data_preprocessor') or {}
    mean, std = theirs.get('mean'), theirs.get('std')
    bands = [len(each) for each in (mean, ours.get('mean')) if each]
    if len(set(bands)) > 1:
        raise ValueError(
            f'{stated.filename} is for photos of {bands[0]} bands (mean of its '
            f'data_preprocessor), and the network that would be trained in its place '
            f'for {bands[1]}: train your own by --proxy none, or name the config of '
            f'one for {bands[0]} bands by --proxy'
        )
    # The weights of the proxy know photos of 8 bits in their own normalisation.
    usual = mean and std and min(*mean, *std) > 1 and max(mean) < 255 >= 2 * max(std)
    if theirs and not usual:
        ours.update({n: theirs.get(n, value) for n, value in _NORMALISATION.items()})


def _joined_imports(stated: Config, proxy: Config) -> Dict[str, Any]:
    names: List[str] = []
    for cfg in (stated, proxy):
        found = (cfg.get('custom_imports') or {}).get('imports') or []
        names += [found] if isinstance(found, str) else list(found)
    return dict(imports=list(dict.fromkeys([*names, 'mmseg_ganaug'])))


def _cross_entropy(model: Mapping[str, Any]) -> Optional[Any]:
    """Finds the loss of a segmenter; None where it is no cross entropy of classes."""
    head = model.get('decode_head')
    head = head[-1] if isinstance(head, (list, tuple)) and head else head
    loss = head.get('loss_decode') if isinstance(head, Mapping) else None
    known = ('CrossEntropyLoss', 'ClassWeightedCrossEntropyLoss')
    if not isinstance(loss, Mapping) or loss.get('use_sigmoid'):
        return None
    return copy.deepcopy(loss) if type_name(dict(loss)) in known else None


def _shrink_crops(dataset: Any, size: Sequence[int]) -> Tuple[Tuple[int, int], str]:
    """Makes the crops of training pipelines as small as those of the proxy.

    Args:
        dataset (Any): Training data set; changed in place.
        size (Sequence[int]): Height and width of the proxy's crops: their area counts.

    Returns:
        tuple[tuple[int, int], str]: Height and width of the crops, and what was done.
    """
    crops = [part for part in nested_dicts(dataset) if type_name(part) in _CROPS]
    own = [_pair(part['crop_size']) for part in crops]
    if not own:
        crop = (int(size[0]), int(size[1]))
        for pipeline in _packing_pipelines(dataset):
            place = max(0, len(pipeline) - 1)
            pipeline.insert(place, dict(type='RandomCrop', crop_size=crop))
        return crop, (
            f'Crops of {crop[0]} x {crop[1]} pixels (height x width) were trained on, '
            'where the config takes whole photos: objects keep their size, and some '
            'are cut off.'
        )
    height, width = max(own, key=lambda crop: crop[0] * crop[1])
    factor = min(1.0, (size[0] * size[1] / (height * width)) ** 0.5)
    sides = [
        min(side, max(_STEP, round(side * factor / _STEP) * _STEP))
        for side in (height, width)
    ]
    crop = (sides[0], sides[1])
    if crop == (height, width):
        return crop, f'Crops are those of the config, {height} x {width} pixels.'
    for part in crops:
        part['crop_size'] = crop
    for part in nested_dicts(dataset):
        if has_type(part, 'Pad') and 'size' in part:
            part['size'] = crop
    return crop, (
        f'Crops are {crop[0]} x {crop[1]} pixels (height x width) in place of {height} '
        f'x {width}: objects keep their size, and more of them are cut off.'
    )


def _packing_pipelines(dataset: Any) -> List[List[Any]]:
    """Lists the pipelines behind which samples are packed: of mixes and data sets."""
    mixes = [p for p in nested_dicts(dataset) if has_type(p, 'MultiImageMixDataset')]
    mixed = [part for mix in mixes for part in find_real(mix['dataset'])]
    # By identity: data sets of one config may stand in a mix and beside it.
    alone = [p for p in find_real(dataset) if not any(p is part for part in mixed)]
    return [part['pipeline'] for part in (*mixes, *alone)]


def _pair(size: Any) -> Tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def set_length(cfg: Config, iters: int, validations: int) -> None:
    """Changes the length of a training, and all that goes with it.

    Args:
        cfg (Config): Of an iteration-based training; changed in place.
        iters (int): The new length.
        validations (int): How often it is validated, evenly spread, also at its end.

    Raises:
        ValueError: When the length is not given in iterations.
    """
    before = num_iters(cfg)
    scale_length(cfg, iters)
    cfg.train_cfg.val_interval = max(1, iters // validations)
    checkpoint = dict(
        type='CheckpointHook',
        by_epoch=False,
        interval=max(1, iters // 2),
        max_keep_ckpts=1,
    )
    logger = dict(
        type='LoggerHook',
        log_metric_by_epoch=False,
        interval=max(1, min(_LOG_INTERVAL, iters // 2)),
    )
    own = cfg.get('default_hooks') or {}
    cfg.default_hooks = dict(own, checkpoint=checkpoint, logger=logger)
    # Else progress would be counted in epochs.
    cfg.log_processor = dict(cfg.get('log_processor') or {}, by_epoch=False)
    for hook in cfg.get('custom_hooks') or ():
        if has_type(hook, 'EMAHook') and 'momentum' in hook:
            # An average over the same share of the training.
            hook['momentum'] = min(1.0, hook['momentum'] * before / iters)
