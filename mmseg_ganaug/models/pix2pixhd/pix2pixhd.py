"""pix2pixHD as a translation model of MMagic."""

from inspect import signature
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmagic.models.base_models import BaseTranslationModel
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmagic.structures import DataSample
from mmengine.registry import DefaultScope
from torch import Tensor

from mmseg_ganaug.models.pix2pixhd.label_encoder import (
    LabelEncoder,
    LabelWarp,
    pad_to_stride,
)
from mmseg_ganaug.models.pix2pixhd.objective import Pix2PixHDObjective
from mmseg_ganaug.models.pix2pixhd.photo_context import PhotoContext, SeenPhoto
from mmseg_ganaug.models.pix2pixhd.region_code import (
    KeptLooks,
    RegionCode,
    number_regions,
    read_features,
    spread_over_regions,
)
from mmseg_ganaug.models.pix2pixhd.training import (
    DomainNetworks,
    Pix2PixHDTraining,
    with_maps,
)
from mmseg_ganaug.option_checks import (
    check_choice,
    check_mapping,
    check_names,
    check_whole,
)
from mmseg_ganaug.registry import MODELS

_PREPROCESSOR = dict(type='DataPreprocessor', mean=127.5, std=127.5, data_keys=None)
# The parts that are built of their arguments alone, and what is filled in of those.
_PARTS: Dict[str, Tuple[Callable, Sequence[str]]] = {
    'label_encoder': (LabelEncoder, ()),
    'label_warp': (LabelWarp, ()),
    'context': (PhotoContext, ()),
    'loss_config': (Pix2PixHDObjective, ('num_classes', 'has_segmenter')),
}


def _check_configs(**configs: Any) -> None:
    """Checks that configs are dicts, of a type or of arguments that there are."""
    for name, config in configs.items():
        if config is None and name not in ('generator', 'label_encoder'):
            continue
        if name in _PARTS:
            part, filled_in = _PARTS[name]
            parameters = signature(part).parameters.values()
            options = [p for p in parameters if p.name not in filled_in]
            needed = [p.name for p in options if p.default is p.empty]
            known = [p.name for p in options]
            check_mapping('Pix2PixHD', name, config, needed, known)
        else:
            check_mapping('Pix2PixHD', name, config, needed=('type',))


def _with_channels(config: dict, channels: int, what: str, parts: str) -> dict:
    """Fills in the input channels of a network, or checks those it gives."""
    given = config.get('in_channels', channels)
    if given != channels:
        raise ValueError(
            f'the {what} has in_channels={given}, but it is given {channels} channels '
            f'({parts}): leave in_channels out, or correct the label encoder'
        )
    return {**config, 'in_channels': channels}


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHD(Pix2PixHDTraining, BaseTranslationModel):
    """Paints photos of label maps.

    Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation
    with Conditional GANs", CVPR 2018. The norms keep no statistics, so training and
    evaluation mode give the same photos.

    ``inputs`` of a batch are ``img_label`` (uint8 [B, 1, H, W]), ``img_photo``
    ([B, 3, H, W] RGB, normalised to [-1, 1] by the data preprocessor) and, for an
    encoder with edges, ``img_instance`` (int32 [B, 1, H, W]). Where there are
    ``img_recomposed_label`` and ``img_recomposed_instance`` alike, which have no photo,
    the generator learns from them by the adversarial losses alone. Sides that do not
    divide by the generator's stride are padded before it and cropped after it.

    Args:
        label_encoder (dict): Arguments of :class:`LabelEncoder`.
        generator (dict): Config of the generator; ``in_channels`` is filled in.
        discriminator (dict, optional): Config of the discriminator; ``in_channels``
            is filled in. None when no training is meant.
        segmentation_discriminator (dict, optional): Config of a
            :class:`Pix2PixHDSegmentationDiscriminator`, trained beside the other one;
            ``num_classes`` is filled in. Its losses are set by ``segmentation`` in
            ``loss_config``. Our own addition.
        encoder (dict, optional): Config of a :class:`Pix2PixHDEncoder`: the generator
            then reads features of each object, and several photos of one label map
            become possible. It is trained by the optimizer wrapper of the
            generators, which then needs ``modules=['generators', 'encoder']``, and the
            other one ``modules='discriminators'``.
        num_clusters (int): Clusters of features for each class, to paint from.
        noise_channels (int): Channels of noise for each object that the generator
            reads; our own addition.
        loss_config (dict, optional): Arguments of :class:`Pix2PixHDObjective`.
        label_warp (dict, optional): Arguments of :class:`LabelWarp`, to bend the shapes
            that the generator sees in training.
        context (dict, optional): Arguments of :class:`PhotoContext`: the generator then
            also reads a photo with holes, and paints these. It is trained on
            ``img_hole`` (uint8 [B, 1, H, W], 1 in the holes), which ``holes`` of
            ``LabelToImageDataset`` adds. Our own addition.
        pool_size (int): Number of earlier generated photos kept for the
            discriminator; 0 shows it the newest only. It is not part of a checkpoint,
            so it starts empty when a training is resumed.
        coarse_frozen_iters (int): Iterations in which the global generator inside a
            :class:`Pix2PixHDLocalEnhancer` keeps its weights.
        data_preprocessor (dict, optional): Defaults to MMagic's ``DataPreprocessor``
            with mean and standard deviation 127.5.
        default_domain (str): Domain that is painted.
        reachable_domains (Sequence[str]): Domains that can be painted.
        related_domains (Sequence[str]): Those and the domain of the label maps.
        kwargs: ``discriminator_steps`` and ``disc_init_steps`` of MMagic's
            ``BaseTranslationModel``.

    Raises:
        ValueError: When a network's ``in_channels`` does not fit the label encoder, or
            an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        label_encoder: dict,
        generator: dict,
        discriminator: Optional[dict] = None,
        segmentation_discriminator: Optional[dict] = None,
        encoder: Optional[dict] = None,
        num_clusters: int = 10,
        noise_channels: int = 0,
        loss_config: Optional[dict] = None,
        label_warp: Optional[dict] = None,
        context: Optional[dict] = None,
        pool_size: int = 0,
        coarse_frozen_iters: int = 0,
        data_preprocessor: Optional[dict] = None,
        default_domain: str = 'photo',
        reachable_domains: Sequence[str] = ('photo',),
        related_domains: Sequence[str] = ('photo', 'label'),
        **kwargs,
    ) -> None:
        _check_configs(
            generator=generator,
            discriminator=discriminator,
            segmentation_discriminator=segmentation_discriminator,
            encoder=encoder,
            label_encoder=label_encoder,
            label_warp=label_warp,
            context=context,
            loss_config=loss_config,
        )
        for name, domains in (
            ('reachable_domains', reachable_domains),
            ('related_domains', related_domains),
        ):
            check_names('Pix2PixHD', name, domains)
        check_choice('Pix2PixHD', 'default_domain', default_domain, reachable_domains)
        for name, value, low in (
            ('pool_size', pool_size, 0),
            ('coarse_frozen_iters', coarse_frozen_iters, 0),
            ('discriminator_steps', kwargs.get('discriminator_steps', 1), 1),
            ('disc_init_steps', kwargs.get('disc_init_steps', 0), 0),
        ):
            check_whole('Pix2PixHD', name, value, low)
        labels = LabelEncoder(**label_encoder)
        # The parts are MMagic's, whatever scope the model is built in.
        with DefaultScope.overwrite_default_scope('mmagic'):
            features = None if encoder is None else MMAGIC_MODELS.build(encoder)
            code = RegionCode(
                labels.num_classes,
                0 if features is None else features.out_channels,
                noise_channels,
                num_clusters,
            )
            seen = 0 if context is None else PhotoContext.channels
            generator = _with_channels(
                generator,
                labels.out_channels + code.out_channels + seen,
                'generator',
                f'{labels.num_label_channels} for classes and ignored pixels, '
                f'{int(labels.edges)} for edges, {code.num_features} features, '
                f'{noise_channels} of noise, {seen} of the photo around holes',
            )
            if discriminator is not None:
                photo_channels = generator.get('out_channels', 3)
                discriminator = _with_channels(
                    discriminator,
                    labels.out_channels + photo_channels,
                    'discriminator',
                    f'{labels.out_channels} of the label encoder and '
                    f'{photo_channels} of the photo',
                )
            super().__init__(
                generator=generator,
                discriminator=discriminator,
                default_domain=default_domain,
                reachable_domains=list(reachable_domains),
                related_domains=list(related_domains),
                data_preprocessor=with_maps(data_preprocessor or _PREPROCESSOR),
                loss_config=loss_config,
                **kwargs,
            )
            self.label_encoder = labels
            self.encoder: Any = features
            self.region_code = code
            self.context = None if context is None else PhotoContext(**context)
            self.generators: Any = DomainNetworks(self.generators)
            self._add_segmentation(segmentation_discriminator)
            self._prepare_training(label_warp, pool_size, coarse_frozen_iters)

    def init_weights(self) -> None:
        """Draws the weights of all networks."""
        super().init_weights()
        for domain in self._reachable_domains:
            segmenter = self._segmenter(domain)
            if segmenter is not None:
                segmenter.init_weights()
        if self.encoder is not None:
            self.get_module(self.encoder).init_weights()

    @property
    def stride(self) -> int:
        """Factor that height and width of the generator's input are multiples of."""
        return self._get_target_generator(self._default_domain).stride

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.label_encoder.channel_of.device

    def generator_input(
        self,
        label_maps: Tensor,
        instance_maps: Optional[Tensor],
        numbers: Optional[Tensor] = None,
        codes: Optional[Tensor] = None,
        seen: Optional[SeenPhoto] = None,
    ) -> Tensor:
        """Returns what the generator reads, padded to its stride.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W].
            instance_maps (Tensor, optional): int32 [B, 1, H, W].
            numbers (Tensor, optional): The region of each pixel, int64 [B, 1, H, W].
            codes (Tensor, optional): The code of each region [R, channels].
            seen (SeenPhoto, optional): The photos around holes, for a model with
                ``context``; without, the photos are holes as a whole.

        Returns:
            Tensor: Float [B, channels, H', W'].
        """
        if instance_maps is not None:
            instance_maps = pad_to_stride(instance_maps, self.stride)
        encoded = self.label_encoder(
            pad_to_stride(label_maps, self.stride), instance_maps
        )
        parts = [encoded]
        if codes is not None:
            padded = pad_to_stride(numbers, self.stride)
            parts.append(spread_over_regions(codes, padded))
        if self.context is not None:
            around = self.context.encode(seen or self.context.nothing_seen(label_maps))
            parts.append(pad_to_stride(around, self.stride))
        return torch.cat(parts, dim=1) if parts[1:] else encoded

    def translation(
        self,
        image: Tensor,
        target_domain: Optional[str] = None,
        instance_maps: Optional[Tensor] = None,
        rng: Optional[np.random.Generator] = None,
        seen: Optional[SeenPhoto] = None,
        looks: Optional[KeptLooks] = None,
    ) -> Tensor:
        """Paints photos.

        Args:
            image (Tensor): Label maps, uint8 [B, 1, H, W].
            target_domain (str, optional): Domain to paint.
            instance_maps (Tensor, optional): int32 [B, 1, H, W].
            rng (np.random.Generator, optional): Draws the features and the noise of
                the objects, for a model that has them; without one, they are the most
                usual ones.
            seen (SeenPhoto, optional): See :meth:`generator_input`.
            looks (KeptLooks, optional): Photos off which the looks of the objects are
                read, for a model with an encoder; without, all of them are drawn.

        Returns:
            Tensor: Photos, float [B, 3, H, W] RGB in [-1, 1].
        """
        numbers = codes = None
        if self.region_code.out_channels:
            numbers, labels = number_regions(image, instance_maps)
            read = None
            if looks is not None:
                read = read_features(self.encoder, looks, numbers, len(labels))
            codes = self.region_code.draw(labels, rng, read)
        height, width = image.shape[-2:]
        generator = self._get_target_generator(target_domain or self._default_domain)
        photos = generator(
            self.generator_input(image, instance_maps, numbers, codes, seen)
        )[..., :height, :width]
        return photos if seen is None else PhotoContext.join(photos, seen)

    @torch.no_grad()
    def paint(
        self,
        label_maps: Tensor,
        instance_maps: Optional[Tensor] = None,
        rng: Optional[np.random.Generator] = None,
        photos: Optional[Tensor] = None,
        holes: Optional[Tensor] = None,
        looks: Optional[KeptLooks] = None,
    ) -> Tensor:
        """Paints photos as they are stored.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W], any size, on any device.
            instance_maps (Tensor, optional): int32 [B, 1, H, W], needed by an
                encoder with edges.
            rng (np.random.Generator, optional): See :meth:`translation`.
            photos (Tensor, optional): uint8 [B, 3, H, W], RGB, for a model with
                ``context``: what is around the holes, and stays.
            holes (Tensor, optional): Bool [B, 1, H, W], what of them is painted.
            looks (KeptLooks, optional): See :meth:`translation`.

        Returns:
            Tensor: uint8 [B, 3, H, W], RGB, on the model's device.
        """
        label_maps, seen = label_maps.to(self.device), None
        if instance_maps is not None:
            instance_maps = instance_maps.to(self.device)
        if self.context is not None and photos is not None and holes is not None:
            holes = self.context.grown(holes.to(self.device), label_maps)
            seen = SeenPhoto(photos.to(self.device).float().div(127.5).sub(1), holes)
        painted = self.translation(
            label_maps, instance_maps=instance_maps, rng=rng, seen=seen, looks=looks
        )
        return painted.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)

    def forward_test(
        self, img: Tensor, target_domain: Optional[str] = None, **kwargs
    ) -> Dict[str, Tensor]:
        """Paints without gradients; see :meth:`translation`."""
        with torch.no_grad():
            photos = self.translation(img, target_domain, **kwargs)
        return {'source': img, 'target': photos}

    def val_step(self, data: dict) -> List[DataSample]:
        """Paints the photos of a batch.

        Args:
            data (dict): A batch of the data loader.

        Returns:
            list[DataSample]: Per sample ``fake_photo`` (float [3, H, W] in [0, 255],
            BGR as MMagic's metrics expect), ``label`` (uint8 [1, H, W]) and the
            metainfo of the sample.
        """
        data = self.data_preprocessor(data)
        inputs, data_samples = data['inputs'], data['data_samples']
        domain = self._default_domain
        label_maps = inputs[f'img_{self.get_other_domains(domain)[0]}']
        seen = None
        if self.context is not None and 'img_hole' in inputs:
            seen = SeenPhoto(inputs[f'img_{domain}'], inputs['img_hole'].bool())
        photos = self.forward_test(
            label_maps, domain, instance_maps=inputs.get('img_instance'), seen=seen
        )['target']
        samples = []
        for label_map, photo, sample in zip(label_maps, photos, data_samples.split()):
            photo = self.data_preprocessor.destruct(photo, sample, f'img_{domain}')
            painted = DataSample(metainfo=sample.metainfo)
            painted.set_tensor_data({f'fake_{domain}': photo, 'label': label_map})
            samples.append(painted)
        return samples

    def test_step(self, data: dict) -> List[DataSample]:
        """Does the same as :meth:`val_step`."""
        return self.val_step(data)
