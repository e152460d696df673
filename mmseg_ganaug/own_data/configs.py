"""Writes configs for a data set of two folders, to be read and inherited."""

import math
import os.path as osp
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from mmengine.config import Config

from mmseg_ganaug.config_search import find_shipped, nested_dicts
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import config_text, read_config, write_config

#: Folder of generated samples in the work dir.
SAMPLES = 'samples'
#: Options of MMEngine's schedulers that are numbers of steps, beside begin and end.
SCHEDULE_STEPS = ('T_max', 'milestones', 'periods', 'step_size', 'total_steps')
_CONFIGS = 'configs'
_GENERATOR_SCHEDULE = 'schedules/pix2pixhd_4k.py'
_SEGMENTER_SCHEDULE = 'schedules/schedule_300_adamw.py'
_WAYS = {'add-single': 'AddSingle', 'add-multi': 'AddMulti', 'recon': 'Recon'}
_HEAD = (
    '# Written by ganaug each time that it runs: inherit from it rather\n'
    '# than edit it. Paths are seen from the folder in which the tools are started.\n'
)
_DATASET = """\
# {pairs} photos and masks, in training at {width} x {height} pixels (width x height).
{head}# {split}
_base_ = {base!r}
classes = {classes}
palette = {palette}
metainfo = dict(classes=classes, palette=palette)
num_classes = {num_classes}
# Label value of pixels of no class. Models need it, too: in each decode head, and as
# seg_pad_val of the data preprocessor.
ignore_index = {ignore_index}
scale = ({width}, {height})
crop_size = ({height}, {width})
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(scale=scale)  # RandomResize
train_pipeline[3].update(crop_size=crop_size, ignore_index=ignore_index)  # RandomCrop
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=scale)  # Resize
train_dataloader = dict(
    dataset={train},
)
val_dataloader = dict(
    dataset={val},
)
test_dataloader = val_dataloader
val_evaluator = dict(ignore_index=ignore_index)
test_evaluator = val_evaluator
"""
_SPLIT = """\
dict(
        metainfo=metainfo,
        data_prefix=dict(
            img_path={images!r},
            seg_map_path={labels!r},
        ),
        img_suffix={img_suffix!r},
        seg_map_suffix={seg_map_suffix!r},
        ann_file={ann_file!r},
        ignore_index=ignore_index,
        pipeline={pipeline},
    )"""
_GENERATOR = """\
# pix2pixHD that learns to paint photos of your label maps.
{head}_base_ = [
    {model!r},
    {schedule!r},
    {runtime!r},
    './dataset.py',
]
model = dict(
    label_encoder=dict(num_classes=_base_.num_classes, ignore_index=_base_.ignore_index)
)
train_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=_base_.train_dataloader.dataset,
        scale=_base_.scale,
        # Photos get smaller here: thin objects would fall between the samples.
        interpolation='area',
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size={crop_size},
                ignore_index=_base_.ignore_index,
                prob=0.75,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
)
# A generator is validated by its pictures.
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
default_hooks = dict(checkpoint=dict(interval=1000))
custom_hooks = [
    dict(type='LabelToImageVisualizationHook', interval=1000),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10),
]
work_dir = {work_dir!r}
randomness = dict(seed={seed})
{length}"""
_PLAIN = """\
# PSPNet on your photos alone.
{head}_base_ = [
    {model!r},
    {schedule!r},
    {runtime!r},
    './dataset.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, seg_pad_val=_base_.ignore_index),
    decode_head=dict(num_classes=_base_.num_classes, ignore_index=_base_.ignore_index),
    auxiliary_head=dict(
        num_classes=_base_.num_classes, ignore_index=_base_.ignore_index
    ),
)
work_dir = {work_dir!r}
randomness = dict(seed={seed})
{length}"""
_MIXED = """\
# PSPNet on your photos and as many generated pairs.
{head}_base_ = './pspnet_plain.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
{note}    recomposer=dict(type={way!r}),
    generator=dict(
        config={generator!r},
        checkpoint={checkpoint!r},
    ),
    ratio=1.0,
    cache_dir={cache_dir!r},
    seed={seed},
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
work_dir = {work_dir!r}
"""
_LOSS = """\
{head}_base_ = ['./pspnet_plain.py', {recipe!r}]
cache_dir = {cache_dir!r}
loss = dict(_base_.rare_class_loss, _delete_=True, cache_dir=cache_dir)
model = dict(
    decode_head=dict(loss_decode=loss),
    auxiliary_head=dict(loss_decode=dict(loss, loss_weight=0.4)),
)
work_dir = {work_dir!r}
"""
_PAIRS = """\
real = _base_.train_dataloader.dataset
generated = dict(_base_.object_pairs, source=real, cache_dir=cache_dir, seed={seed})
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
    sampler=dict(_base_.object_sampler, _delete_=True),
)
"""
#: Configs that need no generator, by way.
_UNPAINTED = {
    'class-weights': f'# PSPNet with class weights: what to begin with.\n{_LOSS}',
    'objects': '# PSPNet with class weights, and whole objects of rare classes, pasted '
    f'where\n# they fit. It needs no generator.\n{_LOSS}{_PAIRS}',
}
_THINGS = (
    "    # Where classes are countable objects, name them: dict(type='Recon', "
    "things=['car']).\n"
)


@dataclass(frozen=True)
class SplitFiles:
    """Folders and names of the samples of a split.

    Args:
        images (str): Folder of the photos.
        labels (str): Folder of the label maps.
        img_suffix (str): Suffix of the photos' names.
        seg_map_suffix (str): Suffix of the label maps' names.
        ann_file (str): File that lists the names without these suffixes.
    """

    images: str
    labels: str
    img_suffix: str
    seg_map_suffix: str
    ann_file: str


@dataclass(frozen=True)
class OwnDataConfigs:
    """Writes the configs of a data set.

    Args:
        work (WorkFolder): The configs go to ``configs`` in it.
        names (Sequence[str]): Names of the classes.
        palette (Sequence[tuple[int, int, int]]): Their RGB colours.
        ignore_index (int): Label value of no class.
        size (tuple[int, int]): Width and height in training, in pixels.
        train (SplitFiles): Samples to train on.
        val (SplitFiles): Samples to validate on.
        num_pairs (int): Number of samples of both.
        split_note (str): A comment on the split, one line.
        seed (int): Of training and of the plan.
    """

    work: WorkFolder
    names: Sequence[str]
    palette: Sequence[Tuple[int, int, int]]
    ignore_index: int
    size: Tuple[int, int]
    train: SplitFiles
    val: SplitFiles
    num_pairs: int
    split_note: str
    seed: int

    def write(
        self,
        ways: Sequence[str],
        generator_iters: Optional[int] = None,
        segmenter_iters: Optional[int] = None,
    ) -> Dict[str, Path]:
        """Writes dataset.py, generator.py, pspnet_plain.py and one for each way.

        Args:
            ways (Sequence[str]): See :class:`FolderData`.
            generator_iters (int, optional): Length of the generator's training;
                by default that of the shipped schedule.
            segmenter_iters (int, optional): The same for the segmenters.

        Returns:
            dict[str, Path]: 'generator', 'plain' and each way, to its config.
        """
        width, height = self.size
        paths = config_paths(self.work.folder, ways)
        self._write(
            dataset_path(self.work.folder),
            _DATASET,
            base=self._base('datasets/own_data.py'),
            pairs=self.num_pairs,
            width=width,
            height=height,
            split=self.split_note,
            classes=_listing(self.names),
            palette=_listing([list(colour) for colour in self.palette]),
            num_classes=len(self.names),
            ignore_index=self.ignore_index,
            train=_SPLIT.format(**vars(self.train), pipeline='train_pipeline'),
            val=_SPLIT.format(**vars(self.val), pipeline='test_pipeline'),
        )
        self._write(
            paths['generator'],
            _GENERATOR,
            model=self._base('models/pix2pixhd_enhancer-tiny.py'),
            schedule=self._base(_GENERATOR_SCHEDULE),
            runtime=self._base('default_runtime_synthesis.py'),
            crop_size=tuple(_two_thirds(side) for side in (height, width)),
            length=_length(_GENERATOR_SCHEDULE, generator_iters),
        )
        self._write(
            paths['plain'],
            _PLAIN,
            model=self._base('models/pspnet_r18w32-d8.py'),
            schedule=self._base(_SEGMENTER_SCHEDULE),
            runtime=self._base('default_runtime.py'),
            length=_length(_SEGMENTER_SCHEDULE, segmenter_iters),
        )
        for way in ways:
            if way in _UNPAINTED:
                template = _UNPAINTED[way]
                values = dict(recipe=self._base('generated/objects.py'))
            else:
                template = _MIXED
                values = dict(
                    note=_THINGS if way == 'recon' else '',
                    way=_WAYS[way],
                    generator=str(paths['generator']),
                    checkpoint=str(self._training(paths['generator'])),
                )
            cache_dir = str(self.work.folder / SAMPLES)
            self._write(paths[way], template, cache_dir=cache_dir, **values)
        return paths

    def _write(self, path: Path, template: str, **values) -> None:
        text = template.format(
            head=_HEAD,
            seed=self.seed,
            work_dir=str(self._training(path)),
            **values,
        )
        write_config(text, path, self.work.write)

    def _training(self, config: Path) -> Path:
        """Returns the work dir of the training of a config."""
        return self.work.folder / config.stem

    def _base(self, name: str) -> str:
        """Finds a shipped base config, seen from the folder of the configs.

        By its full path where the work dir lies elsewhere, so that it can be moved.
        """
        path = find_shipped(f'configs/_base_/{name}').resolve()
        folder = (self.work.folder / _CONFIGS).resolve()
        here = Path.cwd().resolve()
        if here in path.parents and here in folder.parents:
            return osp.relpath(path, folder).replace(osp.sep, '/')
        return str(path)


def config_paths(folder: Path, ways: Sequence[str]) -> Dict[str, Path]:
    """Returns where the configs of the trainings go.

    Args:
        folder (Path): Work dir.
        ways (Sequence[str]): See :class:`FolderData`.

    Returns:
        dict[str, Path]: 'generator', 'plain' and each way, to its config.
    """
    names = {'generator': 'generator', 'plain': 'pspnet_plain'}
    names.update({way: f'pspnet_{way}' for way in ways})
    return {name: folder / _CONFIGS / f'{stem}.py' for name, stem in names.items()}


def dataset_path(folder: Path) -> Path:
    """Returns where the config of the data set goes, which the others build on."""
    return folder / _CONFIGS / 'dataset.py'


def scale_length(cfg: Config, iters: Optional[int]) -> None:
    """Changes the length of a training along with its learning rate schedule.

    Args:
        cfg (Config): Of an iteration-based training; changed in place.
        iters (int, optional): The new length; None leaves it.
    """
    if iters is None:
        return
    factor = iters / cfg.train_cfg.max_iters
    cfg.train_cfg.max_iters = iters
    if 'val_interval' in cfg.train_cfg:
        cfg.train_cfg.val_interval = iters
    for part in nested_dicts(cfg.get('param_scheduler')):
        if part.get('begin') or 'end' in part:
            part['begin'] = round(part.get('begin', 0) * factor)
        if part.get('end', math.inf) < math.inf:
            part['end'] = max(part['begin'] + 1, round(part['end'] * factor))
        for name in SCHEDULE_STEPS:
            if part.get(name) is not None:
                part[name] = _scaled(part[name], factor)


def _scaled(steps: Any, factor: float) -> Any:
    if isinstance(steps, (list, tuple)):
        return type(steps)(_scaled(step, factor) for step in steps)
    return max(1, round(steps * factor))


def _length(schedule: str, iters: Optional[int]) -> str:
    """Returns the lines of a config that change the length of its schedule."""
    if iters is None:
        return ''
    cfg = read_config(find_shipped(f'configs/_base_/{schedule}'))
    scale_length(cfg, iters)
    return config_text({name: cfg[name] for name in ('train_cfg', 'param_scheduler')})


def _two_thirds(side: int) -> int:
    return max(32, side * 2 // 3 // 16 * 16)


def _listing(items: Sequence) -> str:
    return '[\n' + ''.join(f'    {item!r},\n' for item in items) + ']'
