"""The networks of a translation model, callable as one module."""

from typing import List, Optional, Tuple

from torch import Tensor, nn


def segmenter_key(domain: str) -> str:
    """Where the discriminator that segments is, beside the other one of a domain."""
    return f'{domain}_segmentation'


class DomainNetworks(nn.ModuleDict):
    """Networks by domain.

    ``MMSeparateDistributedDataParallel`` wraps this container; gradients are only
    averaged over the processes when the call goes through the wrapper.
    """

    def forward(self, domain: str, *inputs: Tensor):
        """Calls the network of a domain."""
        return self[domain](*inputs)


class DomainDiscriminators(DomainNetworks):
    """Discriminators by domain, each with or without one that segments."""

    def forward(
        self, domain: str, pairs: Tensor
    ) -> Tuple[List[List[Tensor]], Optional[Tensor]]:
        """Judges pairs of encoded label map and photo.

        Args:
            domain (str): Domain of the photos.
            pairs (Tensor): [B, C, H, W]; the photo comes last in a pair.

        Returns:
            tuple[list[list[Tensor]], Tensor | None]: The features of all layers, and
            the logits of the one that segments.
        """
        segmented = None
        if segmenter_key(domain) in self:
            segmenter = self[segmenter_key(domain)]
            segmented = segmenter(pairs[:, -segmenter.in_channels :])
        return self[domain](pairs), segmented
