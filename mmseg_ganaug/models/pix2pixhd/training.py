"""The training step of pix2pixHD, and its networks by domain."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from mmagic.models.editors.cyclegan.cyclegan_modules import GANImageBuffer
from mmagic.models.utils import set_requires_grad
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmseg_ganaug.models.pix2pixhd.label_encoder import LabelWarp
from mmseg_ganaug.models.pix2pixhd.objective import Pix2PixHDObjective
from mmseg_ganaug.models.pix2pixhd.photo_context import SeenPhoto
from mmseg_ganaug.models.pix2pixhd.region_code import (
    encode_regions,
    number_regions,
)

# What a batch may hold beside photos, which alone are normalised.
_MAPS = [
    *('img_label', 'img_instance', 'img_hole'),
    *('img_recomposed_label', 'img_recomposed_instance'),
]


def with_maps(preprocessor: dict) -> dict:
    """Adds to a preprocessor's config what it shall not normalise."""
    if not isinstance(preprocessor, dict):
        return preprocessor
    maps = [*preprocessor.get('non_image_keys', ()), *_MAPS]
    return {**preprocessor, 'non_image_keys': list(dict.fromkeys(maps))}


def segmenter_key(domain: str) -> str:
    """Names the discriminator that segments, beside the other one of a domain."""
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
        """Scores pairs of encoded label map and photo.

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


# Joined to MMagic's model, it finds there the networks and what runs them.
_OfTheModel: Any = object


class Pix2PixHDTraining(_OfTheModel):
    """Trains the networks of :class:`Pix2PixHD`."""

    def _prepare_training(
        self, label_warp: Optional[dict], pool_size: int, coarse_frozen_iters: int
    ) -> None:
        segmenter = self._segmenter(self._default_domain)
        self.objective = Pix2PixHDObjective(
            self.label_encoder.num_classes,
            has_segmenter=segmenter is not None,
            **self.loss_config,
        )
        self.label_warp = None if label_warp is None else LabelWarp(**label_warp)
        self.pool = GANImageBuffer(pool_size)
        self.coarse_frozen_iters = coarse_frozen_iters
        for generator in self.generators.values():
            if coarse_frozen_iters and not hasattr(generator, 'coarse_parameters'):
                raise ValueError(
                    f'coarse_frozen_iters={coarse_frozen_iters} is for a '
                    f'Pix2PixHDLocalEnhancer, but the generator is a '
                    f'{type(generator).__name__}: leave it out'
                )

    def _add_segmentation(self, config: Optional[dict]) -> None:
        """Puts discriminators that segment beside the others, one for each domain."""
        if self.discriminators is None:
            if config is not None:
                raise ValueError(
                    'segmentation_discriminator comes beside a discriminator: give '
                    'discriminator=dict(...) too, or leave it out'
                )
            return
        self.discriminators: Any = DomainDiscriminators(self.discriminators)
        if config is not None:
            config = {'num_classes': self.label_encoder.num_classes, **config}
            for domain in self._reachable_domains:
                segmenter = MMAGIC_MODELS.build(config)
                self.discriminators[segmenter_key(domain)] = segmenter

    def _segmenter(self, domain: str) -> Optional[nn.Module]:
        """Returns the discriminator that segments, if there is one."""
        if self.discriminators is None:
            return None
        networks = dict(self.get_module(self.discriminators).items())
        return networks.get(segmenter_key(domain))

    def train_step(
        self, data: dict, optim_wrapper: OptimWrapperDict
    ) -> Dict[str, Tensor]:
        """Updates the discriminator, then the generator, from one batch.

        Args:
            data (dict): A batch of the data loader.
            optim_wrapper (OptimWrapperDict): Wrappers ``generators`` and
                ``discriminators``.

        Returns:
            dict[str, Tensor]: The losses, for the log.
        """
        if self.discriminators is None:
            raise ValueError(
                'the model was built without a discriminator and cannot be trained: '
                'give discriminator=dict(...) in its config'
            )
        inputs = self.data_preprocessor(data, True)['inputs']
        domain = self._default_domain
        label_maps = inputs[f'img_{self.get_other_domains(domain)[0]}']
        real = inputs[f'img_{domain}']
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        # A training that is resumed here draws what an undisturbed one would.
        rng = np.random.default_rng((torch.initial_seed(), iteration))
        generator_wrapper = optim_wrapper['generators']
        discriminator_wrapper = optim_wrapper['discriminators']
        seen = holes = None
        if self.context is not None:
            seen = self.context.training_view(
                real, inputs.get('img_hole'), iteration, rng
            )
            holes = seen.holes

        with generator_wrapper.optim_context(self.generators):
            encoded, fake = self._generate(inputs, label_maps, real, domain, rng, seen)
        if holes is not None:
            # Recombined maps have no photo: all of theirs is painted.
            shape = len(fake) - len(real), *holes.shape[1:]
            holes = torch.cat([holes, holes.new_ones(shape)])

        set_requires_grad(self.discriminators, True)
        with discriminator_wrapper.optim_context(self.discriminators):
            loss, log_vars = self._discriminator_loss(
                label_maps, encoded, fake, real, domain, holes
            )
        discriminator_wrapper.update_params(loss)

        trains_generator = (iteration + 1) % self.discriminator_steps == 0
        if trains_generator and iteration >= self.disc_init_steps:
            set_requires_grad(self.discriminators, False)
            with generator_wrapper.optim_context(self.generators):
                painted = label_maps
                if 'img_recomposed_label' in inputs:
                    painted = torch.cat([painted, inputs['img_recomposed_label']])
                loss, generator_log = self._generator_loss(
                    painted, encoded, fake, real, domain, holes
                )
            self._update_generator(generator_wrapper, loss, iteration, domain)
            log_vars.update(generator_log)
        return log_vars

    def _generate(
        self,
        inputs: Dict[str, Tensor],
        label_maps: Tensor,
        real: Tensor,
        domain: str,
        rng: np.random.Generator,
        seen: Optional[SeenPhoto] = None,
    ) -> Tuple[Tensor, Tensor]:
        """Returns encoded label maps and what the generator paints of them.

        Recombined maps, which have no photo, follow those of the photos.

        Returns:
            tuple[Tensor, Tensor]: [B or more, C, H, W] and [B or more, 3, H, W].
        """
        instance_maps = inputs.get('img_instance')
        numbers = codes = None
        if self.region_code.out_channels:
            numbers, labels = number_regions(label_maps, instance_maps)
            features = None
            if self.encoder is not None:
                features = encode_regions(self.encoder, real, numbers, len(labels))
            codes = self.region_code.training_code(labels, features, rng)
        maps = label_maps, instance_maps, numbers
        if self.label_warp is not None:
            maps = self.label_warp(*maps, rng=rng)
        reads = self.generator_input(*maps, codes, seen)
        if 'img_recomposed_label' in inputs:
            reads = torch.cat([reads, self._read_recomposed(inputs, rng)])
        height, width = label_maps.shape[-2:]
        fake = self.generators(domain, reads)[..., :height, :width]
        if seen is not None:
            number = len(real)
            joined = self.context.join(fake[:number], seen)
            fake = torch.cat([joined, fake[number:]])
        encoded = reads[:, : self.label_encoder.out_channels, :height, :width].detach()
        if self.label_warp is not None:
            # The discriminator sees the true shapes.
            encoded = encoded.clone()
            encoded[: len(real)] = self.label_encoder(label_maps, instance_maps)
        return encoded, fake

    def _read_recomposed(
        self, inputs: Dict[str, Tensor], rng: np.random.Generator
    ) -> Tensor:
        label_maps = inputs['img_recomposed_label']
        instance_maps = inputs.get('img_recomposed_instance')
        numbers = codes = None
        if self.region_code.out_channels:
            numbers, labels = number_regions(label_maps, instance_maps)
            codes = self.region_code.draw(labels, rng)
        return self.generator_input(label_maps, instance_maps, numbers, codes)

    def _discriminator_loss(
        self,
        label_maps: Tensor,
        encoded: Tensor,
        fake: Tensor,
        real: Tensor,
        domain: str,
        holes: Optional[Tensor] = None,
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        parts = [encoded, fake.detach()]
        if holes is not None:
            parts.append(holes.to(fake))
        fake_pairs = self.pool.query(torch.cat(parts, dim=1))
        counted = None
        if holes is not None:
            # Of earlier photos, the pool gives back their own.
            fake_pairs, holes = fake_pairs[:, :-1], fake_pairs[:, -1:] > 0
            counted = self.context.counted(holes)
        real_pairs = torch.cat([encoded[: len(real)], real], dim=1)
        # Instance norm treats every sample alone, so one pass over both is exact.
        scored, segmented = self.discriminators(
            domain, torch.cat([fake_pairs, real_pairs])
        )
        losses = self.objective.discriminator_losses(scored, len(real), counted)
        if segmented is not None:
            losses.update(
                self.objective.segmentation.discriminator_losses(
                    segmented, label_maps, holes
                )
            )
        return self._sum(losses)

    def _generator_loss(
        self,
        label_maps: Tensor,
        encoded: Tensor,
        fake: Tensor,
        real: Tensor,
        domain: str,
        holes: Optional[Tensor] = None,
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        counted = None if holes is None else self.context.counted(holes)
        # Not through a wrapper: no gradient of the discriminator is wanted here.
        discriminator = self._get_target_discriminator(domain)
        scored = discriminator(torch.cat([encoded, fake], dim=1))
        with torch.no_grad():
            target = discriminator(torch.cat([encoded[: len(real)], real], dim=1))
        losses = self.objective.generator_losses(
            label_maps[: len(real)], fake, real, scored, target, counted
        )
        segmenter = self._segmenter(domain)
        if segmenter is not None:
            losses['loss_g_segmentation'] = self.objective.segmentation.generator_loss(
                segmenter(fake), label_maps, counted
            )
        return self._sum(losses)

    def _update_generator(
        self, wrapper: OptimWrapper, loss: Tensor, iteration: int, domain: str
    ) -> None:
        """Steps as ``OptimWrapper.update_params`` does, without the frozen part."""
        if iteration == self.coarse_frozen_iters > 0:
            wrapper.optimizer.state.clear()  # the paper begins with a fresh Adam
        if iteration >= self.coarse_frozen_iters:
            wrapper.update_params(loss)
            return
        wrapper.backward(wrapper.scale_loss(loss))
        for parameter in self._get_target_generator(domain).coarse_parameters():
            parameter.grad = None
        if wrapper.should_update():
            wrapper.step()
            wrapper.zero_grad()

    def _sum(self, losses: Dict[str, Tensor]) -> Tuple[Tensor, Dict[str, Tensor]]:
        total, log_vars = self.parse_losses(losses)
        log_vars.pop('loss')  # the two networks' totals would overwrite each other
        return total, log_vars
