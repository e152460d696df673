"""The numbered stages of the quickstart: what was run, and how long it took."""

import shlex
from pathlib import Path
from typing import Callable, Dict, List, Sequence

from mmseg_ganaug.experiments.tool_runner import run_tool
from mmseg_ganaug.ownership import WorkFolder


class Stages:
    """Runs tools one after the other, each with a number, a line and a log.

    Args:
        work (WorkFolder): The logs go to ``logs`` in it.
        count (int): How many stages there will be.

    Attributes:
        logs: Folder of the logs.
        seconds: How long each stage took, by its title.
        commands: What was run.
    """

    def __init__(self, work: WorkFolder, count: int) -> None:
        self._work = work
        self._count = count
        self._number = 0
        self.logs: Path = work.folder / 'logs'
        self.seconds: Dict[str, float] = {}
        self.commands: List[str] = []

    def run(self, title: str, tool: str, arguments: Sequence) -> None:
        """Runs a tool of this package.

        Args:
            title (str): Of the stage.
            tool (str): Such as 'tools/train.py'.
            arguments (Sequence): Its command line.

        Raises:
            InTheWayError: When the folder of the logs is the user's.
            ToolError: When it fails.
        """
        self._number += 1
        arguments = [str(argument) for argument in arguments]
        self.commands.append(shlex.join(['python', tool, *arguments]))
        log = self._work.add_folder(self.logs) / f'{self._number:02d}.log'
        self.seconds[title] = run_tool(self._numbered(title), tool, arguments, log)

    def runner(self, title: str) -> Callable[[str, Sequence], None]:
        """Returns :meth:`run` with a title."""
        return lambda tool, arguments: self.run(title, tool, arguments)

    def skip(self, title: str) -> None:
        """Says that a stage was done before."""
        self._number += 1
        print(f'{self._numbered(title)}: done before')

    def _numbered(self, title: str) -> str:
        return f'[{self._number}/{self._count}] {title}'
