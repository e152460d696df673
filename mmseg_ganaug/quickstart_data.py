"""What the quickstart asks of a data set."""

from pathlib import Path
from typing import Dict, List, Protocol, Sequence

from mmseg_ganaug.quickstart_stages import Stages


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
