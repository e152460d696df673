"""Diagnosis of a data set and its network: what is in the way of the rare classes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from mmseg_ganaug.bench.class_facts import (
    ClassFacts,
    Shown,
    Split,
    class_facts,
    cut_off_shares,
    rare_classes,
    sizes_in_view,
    try_pipeline,
)
from mmseg_ganaug.bench.finding import Facts, Finding, Pictures
from mmseg_ganaug.bench.findings import find
from mmseg_ganaug.bench.headroom import Headroom, measure_headroom
from mmseg_ganaug.bench.label_checks import CleanedSource, edge_fits, same_photos
from mmseg_ganaug.bench.network_input import (
    PipelineViews,
    Stride,
    mixes_images,
    output_stride,
    train_crop,
)
from mmseg_ganaug.bench.parts import collect_parts
from mmseg_ganaug.bench.val_evidence import (
    PHOTO_SPREAD,
    expected_margins,
    measured_margins,
    predict_val,
)
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import SourceDataset, build_source
from mmseg_ganaug.datasets.statistics import collect_statistics
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.recompose.source import LabelValueError

_MIXED = (
    'the pipeline of MultiImageMixDataset mixes several photos, which is not followed'
)


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a data set before anything is tried on it.

    Attributes:
        classes: What is known of each class.
        rare: Names of the rare classes.
        findings: What stands in the way, problems of the labels first.
        stride: Cells of the network.
        crop: Height and width that the training pipeline gives most often; None where
            it could not be run.
        note: Why it could not be run, else ''.
        interval_from: How the intervals of the validation data were found out.
        headroom: What more photos give; None where that was not asked for.
    """

    classes: List[ClassFacts]
    rare: List[str]
    findings: List[Finding]
    stride: Stride
    crop: Optional[Tuple[int, int]]
    note: str
    interval_from: str
    headroom: Optional[Headroom] = None

    def to_json(self) -> Dict[str, Any]:
        """Returns the diagnosis as JSON values."""
        classes = []
        for known in self.classes:
            values = dict(vars(known))
            if known.taken_for is not None:
                values['taken_for'] = [other._asdict() for other in known.taken_for]
            classes.append(values)
        return dict(
            classes=classes,
            rare=list(self.rare),
            findings=[finding.to_json() for finding in self.findings],
            headroom=self.headroom and self.headroom.to_json(),
            network=dict(
                stride=self.stride.pixels,
                stride_from=self.stride.known_from,
                crop=self.crop and list(self.crop),
                note=self.note,
            ),
            interval_from=self.interval_from,
        )


def diagnose(
    cfg: Config,
    cache_dir: Union[str, Path],
    checkpoint: Optional[str] = None,
    figures: Optional[Path] = None,
    headroom: Optional[Callable[[float], RunResult]] = None,
) -> Diagnosis:
    """Finds out what stands in the way of the rare classes of a training.

    Label statistics and objects are kept in ``cache_dir``; a second call reads them.

    Args:
        cfg (Config): Of an MMSeg training: ``model``, ``train_dataloader`` and
            ``val_dataloader``.
        cache_dir (str | Path): Folder of the caches.
        checkpoint (str, optional): Weights of the model, whose confusions are looked
            for on the validation photos. Defaults to None: none are.
        figures (Path, optional): Folder for the pictures of the findings. Defaults to
            None: none are drawn.
        headroom (callable, optional): Trains on a share of the photos, see
            :func:`~mmseg_ganaug.bench.headroom.measure_headroom`. Defaults to None:
            that is left out.

    Raises:
        FileNotFoundError: When files of the data or the checkpoint are missing.
        ValueError: When the config lacks a part, or data cannot be used; names the
            file or the part, and the remedy.
    """
    for part in ('model', 'train_dataloader', 'val_dataloader'):
        if not cfg.get(part) or (part != 'model' and 'dataset' not in cfg[part]):
            raise ValueError(
                f'{cfg.filename or "the config"} has no {part}'
                f'{"" if part == "model" else ".dataset"}: a diagnosis needs the '
                'config of a training with validation'
            )
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmseg'):
        return _diagnose(cfg, cache_dir, checkpoint, figures, headroom)


def _diagnose(
    cfg: Config,
    cache_dir: Union[str, Path],
    checkpoint: Optional[str],
    figures: Optional[Path],
    headroom: Optional[Callable[[float], RunResult]],
) -> Diagnosis:
    dataset = build_source(cfg.train_dataloader.dataset)
    train, stray = _read_split(dataset, cache_dir, 'training')
    val, stray_in_val = _read_split(
        build_source(cfg.val_dataloader.dataset), cache_dir, 'validation'
    )
    names = train.statistics.class_names
    if val.statistics.class_names != names:
        theirs = ', '.join(val.statistics.class_names)
        raise ValueError(
            f'the classes of the validation data ({theirs}) are not those of the '
            f'training data ({", ".join(names)}): give both the same metainfo'
        )
    if mixes_images(cfg.train_dataloader.dataset):
        shown = Shown(np.zeros(0, int), [], _MIXED)
    else:
        shown = try_pipeline(PipelineViews(dataset), train)
    stride = output_stride(cfg)
    if shown.note:
        print_log(
            f'Crops are left out of the diagnosis: {shown.note}', logger='current'
        )
    if stride.assumed:
        print_log(
            f'A stride of {stride.pixels:g} is {stride.known_from}', logger='current'
        )
    predicted = None
    if checkpoint:
        ignored = val.source.ignore_index
        predicted = predict_val(cfg, checkpoint, len(names), ignore_index=ignored)
    margins = (
        expected_margins(val.statistics.pixels)
        if predicted is None
        else measured_margins(predicted.counts)
    )
    sizes = sizes_in_view(train, shown)
    cut_off = cut_off_shares(train, shown)
    facts = Facts(
        train=train,
        val=val,
        classes=class_facts(train, val, sizes, cut_off, stride, margins, predicted),
        rare=rare_classes(train.statistics),
        sizes=sizes,
        stride=stride,
        shown=shown,
        fits=_edge_fits(train),
        same_photos=same_photos(train.source, val.source),
        stray=[*stray, *stray_in_val],
        predicted=predicted,
    )
    rare = [names[class_id] for class_id in facts.rare]
    measured = None
    if headroom is not None:
        measured = measure_headroom(headroom, train.statistics.num_maps, rare)
    pictures = Pictures(figures)
    findings = measured.findings(pictures) if measured else []
    return Diagnosis(
        classes=facts.classes,
        rare=rare,
        findings=[*findings, *find(facts, pictures)],
        stride=stride,
        crop=train_crop(shown.views),
        note=shown.note,
        interval_from=(
            f'the checkpoint {checkpoint}'
            if checkpoint
            else 'estimated: the IoU of a class differs from photo to photo by '
            f'{100 * PHOTO_SPREAD:.0f} points (standard deviation)'
        ),
        headroom=measured,
    )


def _read_split(
    dataset: SourceDataset, cache_dir: Union[str, Path], name: str
) -> Tuple[Split, List[str]]:
    """Reads the label maps of a split; also what is said of stray values in them."""
    source: Any = DatasetLabelSource(dataset)
    stray = []
    try:
        statistics = collect_statistics(source, cache_dir)
    except LabelValueError as error:
        stray.append(f'In the {name} data: {error}')
        source = CleanedSource(source)
        statistics = source.statistics()
    parts = collect_parts(source, cache_dir)
    return Split(source, statistics, parts, dataset.metainfo['palette']), stray


def _edge_fits(train: Split) -> Dict[int, Any]:
    """Compares labels with photos, where these can be read."""
    try:
        return edge_fits(train.source, train.statistics.num_classes)
    except (OSError, ValueError) as error:
        print_log(f'Labels are not compared with photos: {error}', logger='current')
        return {}
