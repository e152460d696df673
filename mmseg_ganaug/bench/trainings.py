"""The trainings of a bench: each treatment of the config, at a length, with a seed."""

import copy
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from mmengine.config import Config

from mmseg_ganaug.bench.budget import (
    CHOOSE,
    EVALUATE,
    FEWER_VALIDATIONS,
    TRIAL_ITERATIONS,
    Costs,
    Rung,
    measure_costs,
)
from mmseg_ganaug.bench.headroom import SHARES, take_share
from mmseg_ganaug.bench.inputs import BenchInputs, set_length
from mmseg_ganaug.bench.race import Race
from mmseg_ganaug.bench.treatments import (
    TreatmentData,
    overlay,
    overlay_text,
    write_overlay,
)
from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.ownership import WorkFolder

_RUNS, _CONFIGS, _SAMPLES = 'runs', 'configs', 'samples'
#: Of the user's config with each treatment.
OVERLAYS = 'overlays'
#: Folders in the work folder.
FOLDERS = (_RUNS, _CONFIGS, _SAMPLES, OVERLAYS)


class Trainings:
    """Makes the trainings of a bench, which all have folders in the work folder.

    Args:
        inputs (BenchInputs): What is trained as 'plain'.
        work (WorkFolder): Holds configs, trainings and generated samples.
        generator (Mapping[str, Any], optional): ``config`` and ``checkpoint`` of a
            trained generator, for painted pairs.
        jobs (int): Trainings side by side. Defaults to 1.
    """

    def __init__(
        self,
        inputs: BenchInputs,
        work: WorkFolder,
        generator: Optional[Mapping[str, Any]] = None,
        jobs: int = 1,
    ) -> None:
        self._inputs = inputs
        self._work = work
        self._generator = generator
        self._jobs = jobs
        self._cache = work.folder / _SAMPLES

    def check(self, name: str) -> None:
        """Checks that a treatment can be laid over the config, and over the proxy.

        Args:
            name (str): Of the treatment.

        Raises:
            ValueError: When it cannot; says why.
        """
        # The winner is handed out over the user's config: another head or loss there
        # must not be found out behind the race.
        for cfg in (self._inputs.stated, self._inputs.cfg):
            overlay(name, cfg, self._data(0))

    def make(
        self, name: str, seed: int, iterations: int, validations: int
    ) -> TrainingRun:
        """Makes a training of the race.

        Args:
            name (str): Of the treatment.
            seed (int): Of the training, and of what is recombined.
            iterations (int): Its length.
            validations (int): How often it is validated.
        """
        cfg = self._copy()
        cfg.merge_from_dict(overlay(name, cfg, self._data(seed)))
        for part in find_generated(cfg.train_dataloader.dataset):
            # So that it is known what each takes on the disk.
            part['cache_dir'] = str(self._cache / name)
        return self._finish(cfg, name, seed, iterations, validations)

    def measure(self, first_seed: int) -> Costs:
        """Measures what a training takes, as many at once as there will be.

        Args:
            first_seed (int): Each has one of its own.
        """
        trials = [
            self._finish(
                self._copy(), 'trial', seed, TRIAL_ITERATIONS, FEWER_VALIDATIONS
            )
            for seed in range(first_seed, first_seed + self._jobs)
        ]
        return measure_costs(trials, self._inputs.photos[CHOOSE], self._work)

    def train_shares(
        self, iterations: int, seed: int, rare: Sequence[str]
    ) -> Dict[float, RunResult]:
        """Trains on shares of the photos; tests on those that choose.

        Args:
            iterations (int): Length of each.
            seed (int): Of each.
            rare (Sequence[str]): Names of the rare classes.

        Returns:
            dict[float, RunResult]: By the share, with counts of the photos.

        Raises:
            ToolError: When the training on all photos fails.
            ValueError: When that on a smaller share fails; says why.
        """
        shares = {_share_name(share): share for share in SHARES}

        def make(name: str, seed: int, length: int, _: int) -> TrainingRun:
            cfg = take_share(self._copy(), shares[name])
            cfg.test_dataloader = copy.deepcopy(cfg.val_dataloader)
            # All of them: the race goes on with that training.
            folder = name if name == BASELINE else f'headroom-{name}'
            return self._finish(cfg, folder, seed, length, FEWER_VALIDATIONS)

        rungs = [Rung(iterations, (seed,), len(shares))]
        race = Race(
            list(shares), (), make, rungs, rare, self._work, self._jobs, 'headroom'
        )
        tested = [run for run in race.run() if run.extra['on'] == EVALUATE]
        if race.failures:
            raise ValueError('; '.join(race.failures.values()))
        return {shares[run.method]: run for run in tested}

    def write_overlay(self, name: str, options: Optional[Mapping[str, Any]]) -> str:
        """Writes the user's config with a treatment, to go on with.

        Args:
            name (str): Of the treatment.
            options (Mapping[str, Any], optional): Options that replace those of the
                config.

        Returns:
            str: What it changes of the config.
        """
        data = TreatmentData(generator=self._generator)
        if name != BASELINE:
            path = self._work.folder / OVERLAYS / f'{name}.py'
            write_overlay(
                self._inputs.config, name, path, data, options, self._work.write
            )
        return overlay_text(name, self._inputs.stated, data)

    def disk_bytes(self, name: str) -> int:
        """Returns what trainings and samples of a treatment take on the disk.

        Args:
            name (str): Of the treatment.
        """
        folders = [self._work.folder / _RUNS / name, self._cache / name]
        files: List[Path] = [path for each in folders for path in each.rglob('*')]
        return sum(path.stat().st_size for path in files if path.is_file())

    def _data(self, seed: int) -> TreatmentData:
        return TreatmentData(
            cache_dir=str(self._cache), generator=self._generator, seed=seed
        )

    def _copy(self) -> Config:
        cfg = self._inputs.cfg
        return Config(copy.deepcopy(cfg._cfg_dict), filename=cfg.filename)

    def _finish(
        self, cfg: Config, name: str, seed: int, iterations: int, validations: int
    ) -> TrainingRun:
        set_length(cfg, iterations, validations)
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}
        run = f'{iterations}-seed{seed}'
        cfg.work_dir = str(self._work.folder / _RUNS / name / run)
        path = self._work.folder / _CONFIGS / f'{name}-{run}.py'
        return TrainingRun(path, cfg, self._inputs.digest, self._work)


def _share_name(share: float) -> str:
    return BASELINE if share == 1 else f'photos-{100 * share:.0f}'
