"""Photos where a treatment helped and where it harmed, with what was predicted."""

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import cv2
import numpy as np
from mmengine.config import Config
from PIL import Image

from mmseg_ganaug.bench.budget import EVALUATE
from mmseg_ganaug.bench.splits import keep_photos
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import class_ious
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.experiments.runner import CellRunner
from mmseg_ganaug.experiments.side_by_side import Piece, SideBySide
from mmseg_ganaug.experiments.training_run import TrainingRun, final_checkpoint
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import write_config
from mmseg_ganaug.visualization.label_maps import overlay_label_map

#: Folder of the pictures in the work folder.
PHOTOS = 'photos'
# Of each kind: harmed, helped.
_SHOWN = 3
_WIDTH = 360
_PREDICTIONS = 'predictions'


def photo_differences(
    ours: Sequence[RunResult], theirs: Sequence[RunResult]
) -> np.ndarray:
    """Computes what a treatment changed on each photo.

    Args:
        ours (Sequence[RunResult]): Runs of the treatment, with counts.
        theirs (Sequence[RunResult]): Of the other one, with the same seeds.

    Returns:
        np.ndarray: [photos], difference of the mean IoU over the classes that labels or
        predictions of a photo show, in points: the mean over the seeds. 0 of a photo in
        which no pixel has a class.
    """
    counts = [
        {run.seed: run.counts for run in runs if run.counts is not None}
        for runs in (ours, theirs)
    ]
    means = [
        {seed: _photo_means(found) for seed, found in each.items()} for each in counts
    ]
    differences = [
        means[0][seed] - means[1][seed] for seed in means[0].keys() & means[1]
    ]
    return np.mean(differences, axis=0) if differences else np.zeros(0)


def _photo_means(counts: np.ndarray) -> np.ndarray:
    ious = class_ious(counts)
    classes = (~np.isnan(ious)).sum(axis=1)
    return np.nansum(ious, axis=1) / np.maximum(classes, 1)


def extremes(differences: np.ndarray, shown: int = _SHOWN) -> List[int]:
    """Picks the photos that were harmed most, then those that were helped most.

    Args:
        differences (np.ndarray): [photos], in points.
        shown (int): Of each kind, at most.

    Returns:
        list[int]: Indices, from the worst to the best.
    """
    order = np.argsort(differences, kind='stable')
    harmed = [int(i) for i in order[:shown] if differences[i] < 0]
    helped = [int(i) for i in order[-shown:] if differences[i] > 0]
    return harmed + helped


def show_photos(
    runs: Sequence[RunResult],
    treatment: str,
    make_training: Callable[[str, int, int], TrainingRun],
    work: WorkFolder,
    jobs: int = 1,
) -> List[Dict[str, Any]]:
    """Draws the photos where a treatment harmed and helped most, against plain.

    Args:
        runs (Sequence[RunResult]): Those that were evaluated, with counts.
        treatment (str): The treatment.
        make_training (callable): Returns a finished training of (treatment, seed,
            iterations).
        work (WorkFolder): The pictures go to ``photos`` in it.
        jobs (int): Tests side by side.

    Returns:
        list[dict]: ``photos`` of ``bench.json``: the worst first; of several of one
        name, in different folders, the worst alone.

    Raises:
        ToolError: When a test fails.
    """
    ours, theirs = (
        [run for run in runs if run.method == name and run.extra['on'] == EVALUATE]
        for name in (treatment, BASELINE)
    )
    differences = photo_differences(ours, theirs)
    picked = extremes(differences)
    if not picked:
        return []
    first = ours[0]
    trainings = {
        name: make_training(name, first.seed, first.extra['iterations'])
        for name in (BASELINE, treatment)
    }
    dataset = build_source(trainings[BASELINE].cfg.test_dataloader.dataset)
    source = DatasetLabelSource(dataset)
    # Predictions are named as their photos are, without the folders of these.
    first_of = {Path(source.photo_name(index)).stem: index for index in picked[::-1]}
    picked = [index for index in picked if index in first_of.values()]
    folder = work.folder / PHOTOS
    stated = {
        name: [training.inputs, training.cfg.work_dir]
        for name, training in trainings.items()
    }
    key = json.dumps([stated, picked], sort_keys=True)
    kept = folder / 'photos.json'
    if kept.is_file():
        found = json.loads(kept.read_text(encoding='utf-8'))
        if found['key'] == key:
            return found['photos']
    pieces: List[Piece] = [
        (name, 1.0, partial(_predict, name, training, picked, work))
        for name, training in trainings.items()
    ]
    futures = SideBySide(min(jobs, 2), 2.0).run('predict the photos shown', pieces)
    before, after = (future.result() for future in futures)
    shown = []
    for number, index in enumerate(picked):
        entry: Dict[str, Any] = dict(
            treatment=treatment,
            against=BASELINE,
            file=source.photo_name(index),
            difference=round(float(differences[index]), 2),
        )
        maps = {'truth': source.label_map(index)}
        for kind, results in (('before', before), ('after', after)):
            maps[kind] = _predicted(results, entry['file'], dataset.reduce_zero_label)
        photo, palette = source.shown_photo(index), dataset.metainfo['palette']
        pictures = {'photo': photo}
        for kind, found in maps.items():
            pictures[kind] = overlay_label_map(
                photo, found, palette, source.ignore_index
            )
        for kind, picture in pictures.items():
            path = folder / f'{number + 1}-{kind}.png'
            _, content = cv2.imencode('.png', _small(picture))
            work.write(path, content.tobytes())
            entry[kind] = str(path.relative_to(work.folder))
        shown.append(entry)
    work.write(kept, json.dumps(dict(key=key, photos=shown)))
    return shown


def _predict(
    name: str,
    training: TrainingRun,
    picked: Sequence[int],
    work: WorkFolder,
    **options: Any,
) -> Path:
    """Predicts some of the photos that evaluate; returns the folder of label maps."""
    cfg = Config(copy.deepcopy(training.cfg._cfg_dict))
    keep_photos(cfg.test_dataloader, picked)
    path = training.config.with_name(f'{training.config.stem}-{PHOTOS}.py')
    write_config(cfg, path, work.write)
    folder = work.folder / PHOTOS / _PREDICTIONS / name
    runner = CellRunner(PHOTOS, work, **options)
    weights = final_checkpoint(training.cfg)
    arguments = [path, weights, '--out', folder, '--work-dir', folder / 'log']
    runner.run_tool(name, 'tools/test.py', arguments, f'{PHOTOS}/{name}')
    return folder


def _predicted(folder: Path, photo: str, is_shifted: bool) -> np.ndarray:
    with Image.open(folder / f'{Path(photo).stem}.png') as found:
        label_map = np.asarray(found)
    # MMSeg writes such labels as their files have them, with 0 for no class.
    return label_map - 1 if is_shifted else label_map


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if width <= _WIDTH:
        return image
    size = (_WIDTH, round(height * _WIDTH / width))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
