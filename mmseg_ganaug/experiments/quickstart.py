"""The whole pipeline on one data set: a comparison of one seed, after a generator."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.config_search import (
    find_generated,
    find_shipped,
    has_type,
    nested_dicts,
)
from mmseg_ganaug.datasets import GANRecomposeDataset
from mmseg_ganaug.evaluation import RunResult, write_results
from mmseg_ganaug.evaluation.results import BASELINE, RESULT_FILES
from mmseg_ganaug.experiments.report import ExperimentReport, report_files
from mmseg_ganaug.experiments.runner import LOGS, Cell, CellRunner
from mmseg_ganaug.experiments.training_run import TrainingRun, might_be_training
from mmseg_ganaug.in_the_way import refuse
from mmseg_ganaug.own_data.configs import scale_length
from mmseg_ganaug.own_data.prepare import PURPOSE, FolderData
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.safe_configs import config_text, read_config, write_config
from mmseg_ganaug.toy_streets import PAINTER_VERSION, foreign_files
from mmseg_ganaug.visualization.table import Table

NOTICE = (
    'One seed at toy size: this shows that everything runs and what it makes. It is a '
    'demonstration, not evidence that the generated pairs help or hurt.'
)


class Quickstart:
    """Compares training on real photos with training on generated pairs, too.

    What makes the data and trains the generator comes first. A training whose config
    and inputs are those of its last run is not run again; one that was interrupted goes
    on from its last checkpoint. What the user has in the work folder stays: where it is
    in the way, nothing is begun.

    Args:
        data (ShippedData | FolderData): The data set.
    """

    def __init__(self, data: Union['ShippedData', FolderData]) -> None:
        self._data = data

    def run(self) -> Path:
        """Runs all stages.

        Returns:
            Path: The HTML report.

        Raises:
            InTheWayError: When files of the user are where something would be
                written; names all of them.
            FileNotFoundError: When the data set is missing.
            ValueError: When it cannot be used; names the file.
            ToolError: When a stage fails.
        """
        started = time.monotonic()
        data = self._data
        configs = self.prepare()
        generator = self._training(configs['generator'], '')
        painted_by = config_text(generator.cfg)
        cells = {
            method: self._training(
                configs[method], '' if method == BASELINE else painted_by
            )
            for method in (BASELINE, *data.ways)
        }
        trainings = [generator, *cells.values()]
        data.work.refuse([path for run in trainings for path in run.in_the_way()])
        stages = data.stages()
        num_steps = len(stages) + 3 * len(cells)
        runner = CellRunner(data.name, data.work, num_steps)
        for stage in stages:
            runner.run_tool(*stage)
        runner.train('train the generator (pix2pixHD)', generator)
        results = [
            runner.run(
                Cell(method, data.seed),
                training,
                _titles(method),
                dict(config=str(training.config)),
                needs_samples=True,
            )
            for method, training in cells.items()
        ]
        runner.seconds['all'] = time.monotonic() - started
        return self._report(cells, results, runner)

    def prepare(self) -> Dict[str, Path]:
        """Looks for files of the user, then writes the configs.

        Returns:
            dict[str, Path]: Config of the 'generator', of 'plain' and of each way.

        Raises:
            InTheWayError: When files of the user are where something would be written;
                names all of them.
            ValueError: When the data cannot be used; names the file.
        """
        self._check_free()
        return self._data.write_configs()

    def _check_free(self) -> None:
        """Looks for files of the user before anything is written.

        What the trainings will be is not known yet: a folder that might hold one is
        looked at again when the configs are there.
        """
        work, configs = self._data.work, self._data.config_paths().values()
        files, folders = self._data.outputs()
        trainings = [
            folder
            for config in configs
            for folder in [work.folder / config.stem]
            if not might_be_training(folder, config.name)
        ]
        files += [work.folder / name for name in RESULT_FILES]
        files += report_files(work.folder, self._data.ways)
        found: List[Path] = work.in_the_way(
            [*configs, *files], [*folders, work.folder / LOGS, *trainings]
        )
        others = self._data.in_the_way()
        found += [path for path in others if work.folder in path.parents]
        refuse(
            (found, work.remedy(found)),
            (
                [path for path in others if path not in found],
                'Choose another folder for the data by --data-root.',
            ),
        )

    def _report(
        self,
        cells: Dict[str, TrainingRun],
        results: Sequence[RunResult],
        runner: CellRunner,
    ) -> Path:
        data = self._data
        samples = {
            method: _build(training.cfg.generated)
            for method, training in cells.items()
            if method != BASELINE
        }
        source = next(iter(samples.values())).label_source()
        report = ExperimentReport(
            data.work,
            f'mmseg_ganaug quickstart: {data.name}',
            results,
            LabelStatistics.collect(source),
            samples=samples,
        )
        write_results(results, data.work.folder, report.tables[0], data.work.write)
        return report.write(NOTICE, data.report_sections(), runner)[-1]

    def _training(self, config: Path, painted_by: str) -> TrainingRun:
        """Returns a training, which depends on the generator whose samples it sees."""
        inputs = [self._data.inputs(), *([painted_by] if painted_by else [])]
        return TrainingRun(
            config, read_config(config), '\0'.join(inputs), self._data.work
        )


def _titles(method: str) -> Dict[str, str]:
    photos = 'real photos' if method == BASELINE else f'real + {method}'
    return {
        'synthesize': f'generate samples ({method})',
        'train': f'train PSPNet on {photos}',
        'test': f'evaluate on {photos}',
    }


def _build(dataset: dict) -> GANRecomposeDataset:
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dataset)


class Demonstration(NamedTuple):
    """The configs that the quickstart runs on a data set.

    Attributes:
        dataset_type: Class name of the data set.
        data_root: Where it is by default.
        generator: Config of pix2pixHD.
        segmenter: That of PSPNet on real photos or, with ``{}`` filled by such as
            'recon_', on real + generated pairs.
    """

    dataset_type: str
    data_root: str
    generator: str
    segmenter: str


_SEGMENTER = 'configs/pspnet/pspnet_r18w32-d8_{{}}1xb8-300_{}.py'
DEMONSTRATIONS = {
    'toystreets': Demonstration(
        'ToyStreetsDataset',
        'data/toy_streets',
        'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py',
        _SEGMENTER.format('toystreets-128x256'),
    ),
    'camvid': Demonstration(
        'CamVidDataset',
        'data/camvid',
        'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py',
        _SEGMENTER.format('camvid-144x192'),
    ),
}


@dataclass
class ShippedData:
    """A data set with shipped configs, which are pointed to where the files are.

    Args:
        dataset (str): 'toystreets' or 'camvid'.
        data_root (str, optional): Folder of the data set. ToyStreets is made there.
        work_dir (str): Folder in which all results go to ``quickstart-<dataset>``.
            Defaults to 'work_dirs'.
        ways (Sequence[str]): 'add-single', 'add-multi' or 'recon'.
        seed (int): Seed of data, plan and training. Defaults to 0.
        num_train (int): Images of ToyStreets to train on. Defaults to 200.
        num_val (int): Images of ToyStreets to validate on. Defaults to 50.
        generator_iters (int, optional): Length of the generator's training; by default
            that of its config.
        segmenter_iters (int, optional): Length of each segmenter's training.
    """

    dataset: str = 'toystreets'
    data_root: Optional[str] = None
    work_dir: Union[str, Path] = 'work_dirs'
    ways: Sequence[str] = ('recon',)
    seed: int = 0
    num_train: int = 200
    num_val: int = 50
    generator_iters: Optional[int] = None
    segmenter_iters: Optional[int] = None

    def __post_init__(self) -> None:
        self.name = self.dataset
        self.work = WorkFolder(Path(self.work_dir) / f'quickstart-{self.name}', PURPOSE)
        self._is_made = self.dataset == 'toystreets'
        self._demonstration = DEMONSTRATIONS[self.dataset]
        self._data_root = self.data_root or self._demonstration.data_root

    def config_paths(self) -> Dict[str, Path]:
        """Returns where the configs go: of the 'generator', of 'plain', of each way."""
        return {name: self._path(path) for name, path in self._shipped().items()}

    def outputs(self) -> Tuple[List[Path], List[Path]]:
        """Lists other files and folders that are written in the work folder: none."""
        return [], []

    def in_the_way(self) -> List[Path]:
        """Lists files that are not of ToyStreets where that is to be made."""
        return foreign_files(self._data_root) if self._is_made else []

    def write_configs(self) -> Dict[str, Path]:
        """Writes the configs of the generator and of each segmenter.

        Returns:
            dict[str, Path]: Config of the 'generator', of 'plain' and of each way.

        Raises:
            FileNotFoundError: When the data set is missing.
        """
        if not self._is_made and not Path(self._data_root).is_dir():
            raise FileNotFoundError(
                f'{self._data_root} does not exist: give the folder of the data '
                'set by --data-root'
            )
        for name, shipped in self._shipped().items():
            cfg = read_config(find_shipped(shipped))
            path = self._path(shipped)
            cfg.work_dir = self._work_dir(path)
            cfg.randomness = dict(seed=self.seed)
            for part in nested_dicts(cfg._cfg_dict):
                if has_type(part, self._demonstration.dataset_type):
                    part['data_root'] = str(self._data_root)
            is_generator = name == 'generator'
            iters = self.generator_iters if is_generator else self.segmenter_iters
            scale_length(cfg, iters)
            self._use_generator(cfg)
            write_config(cfg, path, self.work.write)
        return self.config_paths()

    def stages(self) -> List[Tuple[str, str, List]]:
        """Lists what makes ToyStreets, where that is the data set."""
        if not self._is_made:
            return []
        arguments = [
            *(self._data_root, '--num-train', self.num_train),
            *('--num-val', self.num_val, '--seed', self.seed),
        ]
        tool = 'tools/dataset_converters/toy_streets.py'
        return [('make ToyStreets', tool, arguments)]

    def inputs(self) -> str:
        """Names what a training depends on beside the configs."""
        return repr((PAINTER_VERSION, self.num_train, self.num_val))

    def report_sections(self) -> List[Table]:
        """Returns what the report says of the data: nothing beside the charts."""
        return []

    def _use_generator(self, cfg: Config) -> None:
        """Has the generated parts of a config painted by the generator of this run."""
        generator = self._path(self._demonstration.generator)
        for part in find_generated(cfg._cfg_dict):
            part['generator'] = dict(
                config=str(generator), checkpoint=self._work_dir(generator)
            )
            part['cache_dir'] = str(self.work.folder / 'samples')
            part['seed'] = self.seed

    def _shipped(self) -> Dict[str, str]:
        """Lists the shipped configs."""
        _, _, generator, segmenter = self._demonstration
        mixed = {way: segmenter.format(f'{way}_') for way in self.ways}
        return {'generator': generator, 'plain': segmenter.format(''), **mixed}

    def _path(self, shipped: str) -> Path:
        """Returns where what a shipped config becomes is written."""
        return self.work.folder / 'configs' / Path(shipped).name

    def _work_dir(self, config: Path) -> str:
        return str(self.work.folder / config.stem)
