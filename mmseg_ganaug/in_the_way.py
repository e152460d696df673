"""The error where files of the user lie where a tool would write."""

from pathlib import Path
from typing import Sequence, Tuple, Union


class InTheWayError(FileExistsError):
    """Error: files of the user lie where something would be written.

    Args:
        paths (Sequence[str | Path]): All of them.
        remedy (str): What to do, such as 'choose another folder by --work-dir'.
    """

    def __init__(self, paths: Sequence[Union[str, Path]], remedy: str) -> None:
        self.paths = list(dict.fromkeys(Path(path) for path in paths))
        listed = ''.join(f'\n  {path}' for path in self.paths)
        super().__init__(
            f'{len(self.paths)} files or folders are in the way; mmseg_ganaug did not '
            f'write them and leaves them as they are:{listed}\n{remedy}'
        )


def refuse(*found: Tuple[Sequence[Path], str]) -> None:
    """Raises one error for all that is in the way of a tool.

    Args:
        *found (tuple[Sequence[Path], str]): What is in the way, perhaps nothing, and
            the remedy: of each folder of the tool.

    Raises:
        InTheWayError: Names all paths, and the remedies of those.
    """
    blocked = [(paths, remedy) for paths, remedy in found if paths]
    if blocked:
        raise InTheWayError(
            [path for paths, _ in blocked for path in paths],
            ' '.join(remedy for _, remedy in blocked),
        )
