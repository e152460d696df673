"""The whole pipeline on one data set: generator, samples, two segmenters, a report."""

import hashlib
import time
from pathlib import Path
from typing import Optional

from mmengine.config import Config

from mmseg_ganaug.engine.training_run import TrainingRun
from mmseg_ganaug.quickstart_data import QuickstartData
from mmseg_ganaug.quickstart_report import write_quickstart_report
from mmseg_ganaug.quickstart_stages import Stages


class Quickstart:
    """Runs the tools one after the other and reports on them.

    A stage whose config and inputs are those of its last run is not run again; one
    that was interrupted goes on from its last checkpoint.

    Args:
        data (QuickstartData): The data set.
    """

    def __init__(self, data: QuickstartData) -> None:
        self._data = data
        count = data.num_stages + 3 * len(data.ways) + 3
        self._stages = Stages(data.folder, count)

    def run(self) -> Path:
        """Runs all stages.

        Returns:
            Path: The HTML report.

        Raises:
            FileNotFoundError: When the data set is missing.
            ValueError: When it cannot be used; names the file.
            ToolError: When a stage fails.
        """
        started = time.monotonic()
        configs = self._data.prepare(self._stages)
        generator = configs['generator']
        self._train('train the generator (pix2pixHD)', generator)
        metrics = {}
        for method in ('plain', *self._data.ways):
            config = configs[method]
            title = 'real photos' if method == 'plain' else f'real + {method}'
            painted_by = None
            if method != 'plain':
                painted_by = generator
                self._stages.run(
                    f'generate samples ({method})', 'tools/synthesize.py', [config]
                )
            self._train(f'train PSPNet on {title}', config, painted_by)
            evaluation = self._training(f'evaluate on {title}', config, painted_by)
            metrics[method] = evaluation.test()
        return write_quickstart_report(
            self._data,
            {method: configs[method] for method in metrics},
            metrics,
            self._stages.commands,
            {**self._stages.seconds, 'all': time.monotonic() - started},
        )

    def _train(
        self, title: str, config: Path, generator: Optional[Path] = None
    ) -> None:
        """Trains unless the same training is already finished."""
        training = self._training(title, config, generator)
        if training.is_trained():
            self._stages.skip(title)
        else:
            training.train()

    def _training(
        self, title: str, config: Path, generator: Optional[Path]
    ) -> TrainingRun:
        """A training, with the generator whose samples it sees: it depends on it."""
        configs = [config] if generator is None else [config, generator]
        texts = [Config.fromfile(path).pretty_text for path in configs]
        inputs = '\0'.join([*texts, self._data.inputs()])
        return TrainingRun(
            config,
            hashlib.sha256(inputs.encode()).hexdigest(),
            lambda tool, arguments: self._stages.run(title, tool, arguments),
        )
