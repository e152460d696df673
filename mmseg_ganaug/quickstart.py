"""The whole pipeline on one data set: generator, samples, two segmenters, a report."""

import hashlib
import time
from pathlib import Path
from typing import Dict, List, Protocol, Sequence

from mmengine.config import Config

from mmseg_ganaug.engine.training_run import TrainingRun
from mmseg_ganaug.quickstart_stages import Stages

NOTICE = (
    'One seed at toy size: this shows that everything runs and what it makes. It is a '
    'demonstration, not evidence that the generated pairs help or hurt.'
)


class QuickstartData(Protocol):
    """A data set that the quickstart can run on.

    Attributes:
        name: Of the data set.
        folder: Where all results go.
        ways: 'add-single', 'add-multi' or 'recon', one segmenter each.
        seed: Of plan and training.
        num_stages: Stages that :meth:`prepare` runs.
    """

    name: str
    folder: Path
    ways: Sequence[str]
    seed: int
    num_stages: int

    def prepare(self, stages: Stages) -> Dict[str, Path]:
        """Makes the configs: of the 'generator', of 'plain' and of each way."""

    def inputs(self) -> str:
        """Names what a training depends on beside the configs."""

    def report_sections(self) -> List:
        """What the report says of the data, after :meth:`prepare`."""


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
        self._train('train the generator (pix2pixHD)', generator, generator)
        metrics = {}
        for method in ('plain', *self._data.ways):
            config = configs[method]
            title = 'real photos' if method == 'plain' else f'real + {method}'
            if method != 'plain':
                self._stages.run(
                    f'generate samples ({method})', 'tools/synthesize.py', [config]
                )
            self._train(f'train PSPNet on {title}', config, generator)
            evaluation = self._training(f'evaluate on {title}', config, generator)
            metrics[method] = evaluation.test()
        from mmseg_ganaug.quickstart_report import write_quickstart_report

        return write_quickstart_report(
            self._data,
            {method: configs[method] for method in metrics},
            metrics,
            self._stages.commands,
            {**self._stages.seconds, 'all': time.monotonic() - started},
        )

    def _train(self, title: str, config: Path, generator: Path) -> None:
        """Trains unless the same training is already finished."""
        training = self._training(title, config, generator)
        if training.is_trained():
            self._stages.skip(title)
        else:
            training.train()

    def _training(self, title: str, config: Path, generator: Path) -> TrainingRun:
        texts = [Config.fromfile(path).pretty_text for path in (config, generator)]
        inputs = '\0'.join([*texts, self._data.inputs()])
        return TrainingRun(
            config,
            hashlib.sha256(inputs.encode()).hexdigest(),
            lambda tool, arguments: self._stages.run(title, tool, arguments),
        )
