"""No generator: the recombined photos keep the real pixels of base and donors."""

from typing import Optional, Tuple

from mmseg_ganaug.registry import GENERATORS


@GENERATORS.register_module()
class RealPixels:
    """Stands where a generator would, and paints nothing (copy-paste).

    It needs no weights, no GPU and no MMagic. What no photo shows, as the holes that
    Recon fills, becomes the ignore index.
    """

    def __init__(self) -> None:
        #: Maps are recombined at their own size.
        self.scale: Optional[Tuple[int, int]] = None

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Accepts every data set."""

    def load(self) -> None:
        """Has nothing to load."""

    def release(self) -> None:
        """Has nothing to free."""

    def fingerprint(self) -> str:
        """Names what the photos depend on: nothing of it."""
        return 'real pixels'
