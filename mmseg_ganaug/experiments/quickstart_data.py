"""What the quickstart asks of a data set."""

from pathlib import Path
from typing import Dict, List, Protocol, Sequence, Tuple

from mmseg_ganaug.own_data.prepare import RunTool
from mmseg_ganaug.ownership import WorkFolder


class QuickstartData(Protocol):
    """A data set that the quickstart can run on.

    Attributes:
        name: Of the data set.
        work: Where all results go: a ``WorkFolder``.
        ways: 'add-single', 'add-multi' or 'recon', one segmenter each.
        seed: Of plan and training.
        num_stages: Stages that :meth:`prepare` runs.
    """

    name: str
    work: WorkFolder
    ways: Sequence[str]
    seed: int
    num_stages: int

    def config_paths(self) -> Dict[str, Path]:
        """Where the configs go: of the 'generator', of 'plain' and of each way.

        The ``work_dir`` of a config is the folder of its name in the work folder.
        """

    def outputs(self) -> Tuple[List[Path], List[Path]]:
        """All other files, and the folders, that are written in the work folder."""

    def in_the_way(self) -> List[Path]:
        """What else is in the way, in the work folder or below ``--data-root``."""

    def write_configs(self) -> Dict[str, Path]:
        """Writes the configs to :meth:`config_paths`; trains and generates nothing."""

    def prepare(self, run: RunTool, configs: Dict[str, Path]) -> None:
        """Makes or inspects the data, in stages."""

    def inputs(self) -> str:
        """Names what a training depends on beside the configs."""

    def report_sections(self) -> List:
        """What the report says of the data, after :meth:`write_configs`."""
