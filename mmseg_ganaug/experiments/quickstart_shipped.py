"""The data sets that the quickstart knows: ToyStreets and CamVid."""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from mmengine.config import Config

from mmseg_ganaug.config_search import (
    find_generated,
    find_shipped,
    has_type,
    nested_dicts,
)
from mmseg_ganaug.own_data.configs import scale_length
from mmseg_ganaug.own_data.prepare import PURPOSE, RunTool
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import read_config, write_config
from mmseg_ganaug.toy_streets import PAINTER_VERSION, foreign_files


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
        self.name = dataset
        self.work = WorkFolder(Path(work_dir) / f'quickstart-{dataset}', PURPOSE)
        self.ways = list(ways)
        self.seed = seed
        self.num_stages = int(dataset == 'toystreets')
        self._demonstration = DEMONSTRATIONS[dataset]
        self._data_root = data_root or self._demonstration.data_root
        self._num_images = (num_train, num_val)
        self._generator_iters = generator_iters
        self._segmenter_iters = segmenter_iters

    def config_paths(self) -> Dict[str, Path]:
        """Where the configs go: of the 'generator', of 'plain' and of each way."""
        shipped = {
            'generator': self._demonstration.generator,
            'plain': self._demonstration.plain,
            **{way: self._demonstration.mixed.format(way=way) for way in self.ways},
        }
        return {name: self._path(path) for name, path in shipped.items()}

    def outputs(self) -> Tuple[List[Path], List[Path]]:
        """Other files and folders that are written in the work folder: none."""
        return [], []

    def in_the_way(self) -> List[Path]:
        """Files that are not of ToyStreets where that is to be made."""
        return foreign_files(self._data_root) if self.num_stages else []

    def write_configs(self) -> Dict[str, Path]:
        """Writes the configs of the generator and of each segmenter.

        Returns:
            dict[str, Path]: Config of the 'generator', of 'plain' and of each way.

        Raises:
            FileNotFoundError: When the data set is missing.
        """
        if not self.num_stages and not Path(self._data_root).is_dir():
            raise FileNotFoundError(
                f'{self._data_root} does not exist: give the folder of the data '
                'set by --data-root'
            )
        generator = self._read(self._demonstration.generator)
        scale_length(generator, self._generator_iters)
        configs = {'generator': self._save(generator)}
        configs['plain'] = self._segmenter(self._demonstration.plain)
        for way in self.ways:
            configs[way] = self._segmenter(
                self._demonstration.mixed.format(way=way), generator
            )
        return configs

    def prepare(self, run: RunTool, configs: Dict[str, Path]) -> None:
        """Makes ToyStreets where that is the data set.

        Args:
            run (callable): Runs a tool: a title, its path, and its arguments.
            configs (dict[str, Path]): What :meth:`write_configs` gave.

        Raises:
            ToolError: When it cannot be made.
        """
        if not self.num_stages:
            return
        num_train, num_val = self._num_images
        arguments = [self._data_root, '--num-train', num_train, '--num-val', num_val]
        run(
            'make ToyStreets',
            'tools/dataset_converters/toy_streets.py',
            [*arguments, '--seed', self.seed],
        )

    def inputs(self) -> str:
        """Names what a training depends on beside the configs."""
        return repr((PAINTER_VERSION, *self._num_images))

    def report_sections(self) -> List:
        """What the report says of the data: nothing beside the charts."""
        return []

    def _read(self, shipped: str) -> Config:
        """Reads a shipped config and points it to the data of this run."""
        cfg = read_config(find_shipped(shipped))
        cfg.work_dir = str(self.work.folder / Path(shipped).stem)
        cfg.randomness = dict(seed=self.seed)
        for part in nested_dicts(cfg._cfg_dict):
            if has_type(part, self._demonstration.dataset_type):
                part['data_root'] = str(self._data_root)
        return cfg

    def _segmenter(self, shipped: str, generator: Optional[Config] = None) -> Path:
        cfg = self._read(shipped)
        scale_length(cfg, self._segmenter_iters)
        for part in find_generated(cfg._cfg_dict):
            assert generator is not None, 'a generated part needs its generator'
            part['generator'] = dict(
                config=str(self._path(generator.work_dir)),
                checkpoint=generator.work_dir,
            )
            part['cache_dir'] = str(self.work.folder / 'samples')
            part['seed'] = self.seed
        return self._save(cfg)

    def _save(self, cfg: Config) -> Path:
        return write_config(cfg, self._path(cfg.work_dir), self.work.write)

    def _path(self, name: str) -> Path:
        """Place of the config of a training, or of what a shipped config becomes."""
        return self.work.folder / 'configs' / f'{Path(name).stem}.py'
