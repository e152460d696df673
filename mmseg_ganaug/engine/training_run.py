"""One training through the tools: done once, resumed when interrupted."""

import json
import shutil
from pathlib import Path
from typing import Callable, Sequence, Union

from mmengine.config import Config

from mmseg_ganaug.atomic_write import write_atomically

Tool = Callable[[str, Sequence], None]


class TrainingRun:
    """Trains and tests what a config says, unless that was done before.

    A training whose inputs are those of its last run is not run again; one that was
    interrupted goes on from its last checkpoint; one whose inputs changed begins anew.

    Args:
        config (str | Path): Config with a ``work_dir`` and an iteration-based schedule.
        inputs (str): Names everything else that the outcome depends on.
        run_tool (callable): Runs a tool of this package with its arguments, such as
            ``('tools/train.py', [config])``.
    """

    def __init__(self, config: Union[str, Path], inputs: str, run_tool: Tool) -> None:
        self._config = Path(config)
        self._cfg = Config.fromfile(config)
        self._inputs = inputs
        self._run_tool = run_tool
        self.work_dir = Path(self._cfg.work_dir)

    def is_trained(self) -> bool:
        """Whether nothing is left to do for :meth:`train`."""
        return self._stamp() == {'inputs': self._inputs, 'finished': True}

    def train(self) -> None:
        """Trains, or goes on training.

        Raises:
            ToolError: When the training fails.
        """
        if self._stamp().get('inputs') != self._inputs:
            shutil.rmtree(self.work_dir, ignore_errors=True)
        self._write_stamp(finished=False)
        self._run_tool('tools/train.py', [self._config, '--resume'])
        self._write_stamp(finished=True)

    def test(self) -> dict:
        """Tests the weights at the end of the training.

        Returns:
            dict: What the evaluator measured, by name.

        Raises:
            ToolError: When the test fails.
        """
        return test_checkpoint(
            self._config, final_checkpoint(self._cfg), self._run_tool
        )

    def _stamp(self) -> dict:
        path = self.work_dir / 'training.json'
        return json.loads(path.read_text()) if path.is_file() else {}

    def _write_stamp(self, finished: bool) -> None:
        stamp = {'inputs': self._inputs, 'finished': finished}
        write_atomically(self.work_dir / 'training.json', json.dumps(stamp))


def final_checkpoint(cfg: Config) -> Path:
    """The weights that a training leaves at its end."""
    return Path(cfg.work_dir) / f'iter_{cfg.train_cfg.max_iters}.pth'


def test_checkpoint(
    config: Union[str, Path], checkpoint: Union[str, Path], run_tool: Tool
) -> dict:
    """Tests weights on the test data of a config.

    Args:
        config (str | Path): Config with a ``work_dir``; its folder ``test`` is renewed.
        checkpoint (str | Path): The weights.
        run_tool (callable): See :class:`TrainingRun`.

    Returns:
        dict: What the evaluator measured, by name.

    Raises:
        ToolError: When the test fails.
    """
    folder = Path(Config.fromfile(config).work_dir) / 'test'
    shutil.rmtree(folder, ignore_errors=True)
    run_tool('tools/test.py', [config, checkpoint, '--work-dir', folder])
    (metrics,) = folder.glob('*/*.json')
    return json.loads(metrics.read_text())
