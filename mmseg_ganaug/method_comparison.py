"""Trains methods with several seeds each, and compares what they reach."""

import copy
import hashlib
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from mmengine.config import Config, ConfigDict
from mmengine.utils.dl_utils import collect_env

from mmseg_ganaug.configs import (
    find_generated,
    find_real,
    find_shipped,
    has_type,
    nested_dicts,
)
from mmseg_ganaug.engine.tool_runner import run_tool
from mmseg_ganaug.engine.training_run import (
    TrainingRun,
    final_checkpoint,
    test_checkpoint,
)
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.comparison import BASELINE
from mmseg_ganaug.version import __version__


@dataclass(frozen=True)
class Cell:
    """One training of the comparison: a method with a seed."""

    method: str
    seed: int

    def __str__(self) -> str:
        return f'{self.method}, seed {self.seed}'


class MethodComparison:
    """A matrix of methods and seeds, trained cell by cell through the usual tools.

    Each finished cell leaves ``RESULTS/PROTOCOL/METHOD/seedK/results.json``. A cell
    whose config is the one of that file is not trained again; an interrupted one goes
    on from its last checkpoint. Files that a config names are not looked into: after
    training a generator anew, remove the results that it had a part in.

    Args:
        matrix (str | Path): A config (``.py``, ``.yaml`` or ``.json``) with
            ``protocol`` (name), ``seeds`` (list of int) and ``methods`` (name ->
            path of a config, or ``dict(config=..., cfg_options=...)``); one method is
            called 'plain'. Optional, for all methods: ``train_every`` (n: only every
            n-th real training sample is used), ``generator`` (what replaces the
            ``generator`` of generated data sets: one that saw no other samples),
            ``test_options`` (cfg_options of the test: other data to judge on) and
            ``trained_as`` (another protocol: nothing is trained, the weights of its
            finished trainings are tested).
        work_dir (str | Path): Folder of the trainings. Defaults to 'work_dirs'.
        results_dir (str | Path): Folder of the results. Defaults to 'docs/results'.

    Raises:
        FileNotFoundError: When the matrix or a config of it is missing.
        ValueError: When the matrix lacks something, or the method 'plain'; says what.
    """

    def __init__(
        self,
        matrix: Union[str, Path],
        work_dir: Union[str, Path] = 'work_dirs',
        results_dir: Union[str, Path] = 'docs/results',
    ) -> None:
        settings = Config.fromfile(find_shipped(matrix))
        missing = [k for k in ('protocol', 'seeds', 'methods') if not settings.get(k)]
        if missing:
            raise ValueError(
                f'{matrix} lacks {", ".join(missing)}: a comparison has a protocol '
                '(its name), seeds (a list) and methods (name -> config)'
            )
        if BASELINE not in settings.methods:
            raise ValueError(
                f'{matrix} has no method {BASELINE!r}: call the one so that all others '
                f'are compared with; there are {", ".join(settings.methods)}'
            )
        self.protocol: str = settings.protocol
        self.seeds: List[int] = list(settings.seeds)
        stated = {name: _stated(value) for name, value in settings.methods.items()}
        self._stated: Dict[str, Dict[str, Any]] = stated
        self.methods: Dict[str, Config] = {
            name: _method_config(
                value, settings.get('train_every', 1), settings.get('generator')
            )
            for name, value in stated.items()
        }
        self._test_options: Dict[str, Any] = dict(settings.get('test_options', {}))
        self.trained_as: str = settings.get('trained_as', self.protocol)
        self.folder = Path(work_dir) / f'compare-{self.protocol}'
        self._training_folder = Path(work_dir) / f'compare-{self.trained_as}'
        self.results_dir = Path(results_dir) / self.protocol

    def cells(
        self,
        methods: Optional[Sequence[str]] = None,
        seeds: Optional[Sequence[int]] = None,
    ) -> List[Cell]:
        """Lists the trainings, all methods of a seed before the next seed.

        Args:
            methods (Sequence[str], optional): Only these.
            seeds (Sequence[int], optional): Only these.

        Raises:
            ValueError: When a method or seed is not in the matrix.
        """
        for given, known in ((methods, list(self.methods)), (seeds, self.seeds)):
            wrong = [value for value in given or () if value not in known]
            if wrong:
                raise ValueError(f'{wrong} are not among {known}')
        return [
            Cell(method, seed)
            for seed in self.seeds
            for method in self.methods
            if (not seeds or seed in seeds) and (not methods or method in methods)
        ]

    def result(self, cell: Cell) -> Optional[RunResult]:
        """What a training reached; None where it is to be done, or to be done anew."""
        return self._find(cell, self.protocol, self.test_config(cell))

    def results(self) -> List[RunResult]:
        """What all finished trainings reached."""
        found = [self.result(cell) for cell in self.cells()]
        return [result for result in found if result is not None]

    def test_config(self, cell: Cell) -> Config:
        """What a training is tested with, and trained unless that was done before."""
        cfg = self._training_config(cell)
        cfg.work_dir = str(self.folder / cell.method / f'seed{cell.seed}')
        cfg.merge_from_dict(self._test_options)
        return cfg

    def run(self, cell: Cell) -> Optional[RunResult]:
        """Generates samples, trains, and tests, as far as that is still to be done.

        Returns:
            RunResult | None: None where nothing is to be trained (``trained_as``), and
            the weights are not there.

        Raises:
            ToolError: When a tool fails.
        """
        done = self.result(cell)
        if done is not None:
            print(f'{cell}: done before, mIoU {done.mIoU:.2f}')
            return done
        cfg = self.test_config(cell)
        path = self.folder / 'configs' / f'{cell.method}-seed{cell.seed}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(path)
        logs = self.folder / 'logs' / f'{cell.method}-seed{cell.seed}'
        seconds: Dict[str, float] = {}

        def tool(name: str, arguments: Sequence) -> None:
            stem = Path(name).stem
            seconds[stem] = run_tool(
                f'{cell}: {stem}', name, arguments, logs / f'{stem}.log'
            )

        training = self._training_config(cell)
        if self.trained_as == self.protocol:
            run = TrainingRun(path, self._digest(training), tool)
            if not run.is_trained():
                if find_generated(cfg.train_dataloader.dataset):
                    tool('tools/synthesize.py', [path])
                run.train()
            metrics = run.test()
        else:
            weights = final_checkpoint(training)
            trained = self._find(cell, self.trained_as, training)
            if trained is None or not weights.is_file():
                print(f'{cell}: not trained as {self.trained_as}, left out')
                return None
            metrics = test_checkpoint(path, weights, tool)
        result = RunResult.from_metrics(
            metrics,
            class_names(cfg),
            method=cell.method,
            seed=cell.seed,
            protocol=self.protocol,
            extra=dict(
                **self._stated[cell.method],
                config_hash=self._digest(cfg),
                seconds={name: round(value, 1) for name, value in seconds.items()},
                finished=time.strftime('%Y-%m-%d', time.gmtime()),
                **environment(),
            ),
        )
        result.save(self._result_path(cell, self.protocol))
        print(f'{cell}: mIoU {result.mIoU:.2f}')
        return result

    def frequency(self) -> Tuple[List[str], List[float]]:
        """Class names, and their shares (0..1) of the labelled training pixels."""
        from mmseg_ganaug.datasets.label_source import DatasetLabelSource
        from mmseg_ganaug.datasets.source_dataset import build_source
        from mmseg_ganaug.datasets.statistics import collect_statistics

        plain = self.methods[BASELINE]
        source = DatasetLabelSource(build_source(plain.train_dataloader.dataset))
        statistics = collect_statistics(source, self.folder)
        return list(source.class_names), statistics.frequency.tolist()

    def _result_path(self, cell: Cell, protocol: str) -> Path:
        folder = self.results_dir.parent / protocol / cell.method
        return folder / f'seed{cell.seed}' / 'results.json'

    def _find(self, cell: Cell, protocol: str, cfg: Config) -> Optional[RunResult]:
        """What a config reached in a protocol; None where that is another config."""
        path = self._result_path(cell, protocol)
        if not path.is_file():
            return None
        found = RunResult.load(path)
        return found if found.extra.get('config_hash') == self._digest(cfg) else None

    def _training_config(self, cell: Cell) -> Config:
        cfg = Config(copy.deepcopy(self.methods[cell.method]._cfg_dict))
        folder = self._training_folder / cell.method / f'seed{cell.seed}'
        cfg.work_dir = str(folder)
        cfg.randomness = dict(seed=cell.seed)
        for part in _recombinations(cfg):
            # The seed decides what is recombined, too.
            part['seed'] = cell.seed
        return cfg

    @staticmethod
    def _digest(cfg: Config) -> str:
        # Where the results go does not change them.
        kept = {key: value for key, value in cfg.items() if key != 'work_dir'}
        text = repr(sorted(ConfigDict(kept).to_dict().items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def class_names(cfg: Config) -> List[str]:
    """Names of the classes of a config's validation set."""
    from mmengine.registry import DefaultScope
    from mmseg.registry import DATASETS

    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = dict(cfg.val_dataloader.dataset, lazy_init=True, pipeline=[])
        return list(DATASETS.build(dataset).metainfo['classes'])


def environment() -> Mapping[str, Union[str, Mapping[str, str]]]:
    """What the figures may depend on: device and versions."""
    import mmengine
    import mmseg
    import numpy
    import torch

    env = collect_env()
    return dict(
        device=env.get('GPU 0', platform.processor() or platform.machine()),
        versions=dict(
            mmseg_ganaug=__version__,
            mmsegmentation=mmseg.__version__,
            mmengine=mmengine.__version__,
            torch=torch.__version__,
            numpy=numpy.__version__,
            python=platform.python_version(),
        ),
    )


def _stated(value: Union[str, Mapping]) -> Dict[str, Any]:
    """What the matrix says of a method: config and, where given, cfg_options."""
    value = dict(config=value) if isinstance(value, str) else value
    return ConfigDict(value).to_dict()


def _method_config(
    stated: Mapping, train_every: int, generator: Optional[Mapping]
) -> Config:
    cfg = Config.fromfile(find_shipped(stated['config']))
    cfg.merge_from_dict(dict(stated.get('cfg_options', {})))
    dataset = cfg.train_dataloader.dataset
    if train_every != 1:
        sources = [part['source'] for part in nested_dicts(dataset) if 'source' in part]
        for whole in (dataset, *sources):
            for real in find_real(whole):
                real['indices'] = _every(train_every, dict(real, pipeline=[]))
    for generated in find_generated(dataset) if generator else ():
        generated['generator'] = copy.deepcopy(generator)
    return cfg


def _every(step: int, dataset: Mapping) -> List[int]:
    from mmseg_ganaug.datasets.source_dataset import build_source

    return list(range(0, len(build_source(dataset)), step))


def _recombinations(cfg: Config) -> Iterator[dict]:
    for part in nested_dicts(cfg._cfg_dict):
        if has_type(part, 'GANRecomposeDataset') or has_type(part, 'RecomposeLabels'):
            yield part
