"""The whole pipeline on one data set: generator, samples, two segmenters, a report."""

import time
from pathlib import Path
from typing import Dict, List, Optional

from mmseg_ganaug.experiments.quickstart_data import QuickstartData
from mmseg_ganaug.experiments.quickstart_report import (
    report_files,
    write_quickstart_report,
)
from mmseg_ganaug.experiments.stages import Stages
from mmseg_ganaug.experiments.training_run import TrainingRun, might_be_training
from mmseg_ganaug.in_the_way import refuse
from mmseg_ganaug.safe_configs import config_text, read_config


class Quickstart:
    """Runs the tools one after the other and reports on them.

    A stage whose config and inputs are those of its last run is not run again; one
    that was interrupted goes on from its last checkpoint. What the user has in the work
    folder stays: where it is in the way, nothing is begun.

    Args:
        data (QuickstartData): The data set.
    """

    def __init__(self, data: QuickstartData) -> None:
        self._data = data
        count = data.num_stages + 3 * len(data.ways) + 3
        self._stages = Stages(data.work, count)

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
        configs = self.prepare()
        generator = configs['generator']
        trainings: Dict[str, TrainingRun] = {}
        for name, config in configs.items():
            is_mixed = name in self._data.ways
            trainings[name] = self._training(config, generator if is_mixed else None)
        self._data.work.refuse(
            [path for run in trainings.values() for path in run.in_the_way()]
        )
        self._data.prepare(self._stages.run, configs)
        self._train('train the generator (pix2pixHD)', trainings['generator'])
        metrics = {}
        for method in ('plain', *self._data.ways):
            title = 'real photos' if method == 'plain' else f'real + {method}'
            if method != 'plain':
                self._stages.run(
                    f'generate samples ({method})',
                    'tools/synthesize.py',
                    [configs[method]],
                )
            self._train(f'train PSPNet on {title}', trainings[method])
            metrics[method] = trainings[method].test(
                self._stages.runner(f'evaluate on {title}')
            )
        return write_quickstart_report(
            self._data,
            {method: configs[method] for method in metrics},
            metrics,
            self._stages.commands,
            {**self._stages.seconds, 'all': time.monotonic() - started},
        )

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
        found: List[Path] = work.in_the_way(
            [*configs, *files, *report_files(self._data)],
            [*folders, self._stages.logs, *trainings],
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

    def _train(self, title: str, training: TrainingRun) -> None:
        """Trains unless the same training is already finished."""
        if training.is_trained():
            self._stages.skip(title)
        else:
            training.train(self._stages.runner(title))

    def _training(self, config: Path, generator: Optional[Path]) -> TrainingRun:
        """A training, with the generator whose samples it sees: it depends on it."""
        inputs = [self._data.inputs()]
        if generator is not None:
            inputs.append(config_text(read_config(generator)))
        return TrainingRun(
            config, read_config(config), '\0'.join(inputs), self._data.work
        )
