"""The numbered stages of the quickstart: what was run, and how long it took."""

import shlex
from pathlib import Path
from typing import Dict, List, Sequence

from mmseg_ganaug.engine.tool_runner import run_tool


class Stages:
    """Runs tools one after the other, each with a number, a line and a log.

    Args:
        folder (Path): The logs go to ``logs`` in it.
        count (int): How many stages there will be.

    Attributes:
        seconds: How long each stage took, by its title.
        commands: What was run.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._number = 0
        self.seconds: Dict[str, float] = {}
        self.commands: List[str] = []

    def run(self, title: str, tool: str, arguments: Sequence) -> None:
        """Runs a tool of this package.

        Args:
            title (str): Of the stage.
            tool (str): Such as 'tools/train.py'.
            arguments (Sequence): Its command line.

        Raises:
            ToolError: When it fails.
        """
        self._number += 1
        arguments = [str(argument) for argument in arguments]
        self.commands.append(shlex.join(['python', tool, *arguments]))
        log = self._folder / 'logs' / f'{self._number:02d}.log'
        self.seconds[title] = run_tool(self._numbered(title), tool, arguments, log)

    def skip(self, title: str) -> None:
        """Says that a stage was done before."""
        self._number += 1
        print(f'{self._numbered(title)}: done before')

    def _numbered(self, title: str) -> str:
        return f'[{self._number}/{self._count}] {title}'
