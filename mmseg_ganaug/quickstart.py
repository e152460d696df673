"""The whole pipeline on one data set: generator, samples, two segmenters, a report."""

import hashlib
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

from mmengine.config import Config

from mmseg_ganaug.configs import find_generated, find_shipped, has_type, nested_dicts
from mmseg_ganaug.engine.tool_runner import run_tool
from mmseg_ganaug.engine.training_run import TrainingRun

NOTICE = (
    'One seed at toy size: this shows that everything runs and what it makes. It is a '
    'demonstration, not evidence that the generated pairs help or hurt.'
)


@dataclass(frozen=True)
class Demonstration:
    """The configs that the quickstart runs on a data set.

    Args:
        dataset_type (str): Class name of the data set.
        data_root (str): Where it is by default.
        generator (str): Config of pix2pixHD.
        plain (str): Config of the segmenter on real photos.
        mixed (str): That of the segmenter on real + generated pairs, with ``{way}``.
    """

    dataset_type: str
    data_root: str
    generator: str
    plain: str
    mixed: str


_PSPNET = 'configs/pspnet/pspnet_r18w32-d8_{}1xb8-300_{}.py'
DEMONSTRATIONS = {
    'toystreets': Demonstration(
        'ToyStreetsDataset',
        'data/toy_streets',
        'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py',
        _PSPNET.format('', 'toystreets-128x256'),
        _PSPNET.format('{way}_', 'toystreets-128x256'),
    ),
    'camvid': Demonstration(
        'CamVidDataset',
        'data/camvid',
        'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py',
        _PSPNET.format('', 'camvid-144x192'),
        _PSPNET.format('{way}_', 'camvid-144x192'),
    ),
}


class Quickstart:
    """Runs the tools one after the other and reports on them.

    A stage whose config and inputs are those of its last run is not run again; one
    that was interrupted goes on from its last checkpoint.

    Args:
        dataset (str): 'toystreets' or 'camvid'.
        data_root (str, optional): Folder of the data set. ToyStreets is made there.
        work_dir (str): Folder in which all results go to ``quickstart-<dataset>``.
            Defaults to 'work_dirs'.
        ways (Sequence[str]): 'add-single', 'add-multi' or 'recon', one segmenter each.
        seed (int): Seed of data, plan and training. Defaults to 0.
        num_train (int): Images of ToyStreets to train on. Defaults to 200.
        num_val (int): Images of ToyStreets to judge on. Defaults to 50.
        generator_iters (int, optional): Length of the generator's training; by default
            that of its config.
        segmenter_iters (int, optional): Length of each segmenter's training.
    """

    def __init__(
        self,
        dataset: str = 'toystreets',
        data_root: Optional[str] = None,
        work_dir: Union[str, Path] = 'work_dirs',
        ways: Sequence[str] = ('recon',),
        seed: int = 0,
        num_train: int = 200,
        num_val: int = 50,
        generator_iters: Optional[int] = None,
        segmenter_iters: Optional[int] = None,
    ) -> None:
        self._demonstration = DEMONSTRATIONS[dataset]
        self._dataset = dataset
        self._data_root = data_root or self._demonstration.data_root
        self._out = Path(work_dir) / f'quickstart-{dataset}'
        self._ways = list(ways)
        self._seed = seed
        self._num_images = (num_train, num_val)
        self._generator_iters = generator_iters
        self._segmenter_iters = segmenter_iters
        self._stages = 3 * len(self._ways) + 3 + (dataset == 'toystreets')
        self._stage = 0
        self._seconds: Dict[str, float] = {}
        self._commands: List[str] = []

    def run(self) -> Path:
        """Runs all stages.

        Returns:
            Path: The HTML report.

        Raises:
            FileNotFoundError: When the data set is missing.
            ToolError: When a stage fails.
        """
        started = time.monotonic()
        self._make_data()
        generator = self._write_config(self._demonstration.generator)
        self._iterations(generator, self._generator_iters)
        configs = {'generator': self._save(generator)}
        configs['plain'] = self._segmenter_config(self._demonstration.plain)
        for way in self._ways:
            configs[way] = self._segmenter_config(
                self._demonstration.mixed.format(way=way), configs['generator']
            )
        self._train('train the generator (pix2pixHD)', configs['generator'])
        metrics = {}
        for method in ('plain', *self._ways):
            title = 'real photos' if method == 'plain' else f'real + {method}'
            if method != 'plain':
                self._tool(
                    f'generate samples ({method})',
                    'tools/synthesize.py',
                    [configs[method]],
                )
            self._train(f'train PSPNet on {title}', configs[method])
            metrics[method] = self._test(f'evaluate on {title}', configs[method])
        from mmseg_ganaug.quickstart_report import write_quickstart_report

        return write_quickstart_report(
            self._out,
            self._dataset,
            {method: configs[method] for method in metrics},
            metrics,
            self._seed,
            self._commands,
            {**self._seconds, 'all': time.monotonic() - started},
        )

    def _make_data(self) -> None:
        if self._dataset != 'toystreets':
            if not Path(self._data_root).is_dir():
                raise FileNotFoundError(
                    f'{self._data_root} does not exist: give the folder of the data '
                    'set by --data-root'
                )
            return
        num_train, num_val = self._num_images
        arguments = [self._data_root, '--num-train', num_train, '--num-val', num_val]
        self._tool(
            'make ToyStreets',
            'tools/dataset_converters/toy_streets.py',
            [*arguments, '--seed', self._seed],
        )

    def _write_config(self, shipped: str) -> Config:
        """Reads a shipped config and points it to the data of this run."""
        cfg = Config.fromfile(find_shipped(shipped))
        cfg.work_dir = str(self._out / Path(shipped).stem)
        cfg.randomness = dict(seed=self._seed)
        for part in nested_dicts(cfg._cfg_dict):
            if has_type(part, self._demonstration.dataset_type):
                part['data_root'] = str(self._data_root)
        return cfg

    def _segmenter_config(self, shipped: str, generator: Optional[Path] = None) -> Path:
        cfg = self._write_config(shipped)
        self._iterations(cfg, self._segmenter_iters)
        for part in find_generated(cfg._cfg_dict):
            part['generator'] = dict(
                config=str(generator), checkpoint=Config.fromfile(generator).work_dir
            )
            part['cache_dir'] = str(self._out / 'samples')
            part['seed'] = self._seed
        return self._save(cfg)

    def _save(self, cfg: Config) -> Path:
        path = self._out / 'configs' / f'{Path(cfg.work_dir).name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(path)
        return path

    @staticmethod
    def _iterations(cfg: Config, iters: Optional[int]) -> None:
        """Changes the length of a training along with its learning rate schedule."""
        if iters is None:
            return
        factor = iters / cfg.train_cfg.max_iters
        cfg.train_cfg.max_iters = iters
        if 'val_interval' in cfg.train_cfg:
            cfg.train_cfg.val_interval = iters
        for part in nested_dicts(cfg.get('param_scheduler')):
            if 'end' in part:
                part['begin'] = round(part.get('begin', 0) * factor)
                part['end'] = max(part['begin'] + 1, round(part['end'] * factor))

    def _train(self, title: str, config: Path) -> None:
        """Trains unless the same training is already finished."""
        run = self._training(title, config)
        if run.is_trained():
            self._skip(title)
        else:
            run.train()

    def _training(self, title: str, config: Path) -> TrainingRun:
        def tool(name: str, arguments: Sequence) -> None:
            self._tool(title, name, arguments)

        return TrainingRun(config, self._fingerprint(config), tool)

    def _fingerprint(self, config: Path) -> str:
        """Names what a training depends on: its config, the generator's, the data."""
        texts = [path.read_text() for path in sorted(self._out.glob('configs/*.py'))]
        own = config.read_text()
        parts = [own, *(t for t in texts if 'Pix2PixHD' in t), repr(self._num_images)]
        return hashlib.sha256('\0'.join(parts).encode()).hexdigest()

    def _test(self, title: str, config: Path) -> dict:
        return self._training(title, config).test()

    def _tool(self, title: str, tool: str, arguments: Sequence) -> None:
        self._stage += 1
        arguments = [str(argument) for argument in arguments]
        self._commands.append(shlex.join(['python', tool, *arguments]))
        log = self._out / 'logs' / f'{self._stage:02d}.log'
        self._seconds[title] = run_tool(self._numbered(title), tool, arguments, log)

    def _skip(self, title: str) -> None:
        self._stage += 1
        print(f'{self._numbered(title)}: done before')

    def _numbered(self, title: str) -> str:
        return f'[{self._stage}/{self._stages}] {title}'
