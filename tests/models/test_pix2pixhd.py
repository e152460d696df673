import contextlib

import pytest
import torch
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import DefaultScope

from mmseg_ganaug.models import Pix2PixHD
from mmseg_ganaug.registry import MODELS


def config(**kwargs):
    model = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=3, ignore_index=255),
        generator=dict(
            type='Pix2PixHDGlobalGenerator',
            base_channels=4,
            num_downsamples=2,
            num_blocks=1,
        ),
        discriminator=dict(
            type='Pix2PixHDMultiscaleDiscriminator', base_channels=4, num_layers=2
        ),
        loss_config=dict(pixel_loss_weight=10.0, class_balance=dict()),
    )
    model.update(kwargs)
    return model


def label_maps(height=8, width=12, batch=2):
    maps = torch.zeros(batch, 1, height, width, dtype=torch.uint8)
    maps[..., : width // 2] = 1
    maps[..., 0, :] = 255
    return maps


def batch(height=8, width=12):
    from mmagic.structures import DataSample

    maps = label_maps(height, width)
    photos = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    samples = [
        DataSample(metainfo=dict(img_photo_channel_order='RGB', img_path=str(i)))
        for i in range(2)
    ]
    return dict(
        inputs=dict(img_label=list(maps), img_photo=list(photos)),
        data_samples=samples,
    )


def optim_wrappers(model, lr=0.0002, accumulative_counts=1):
    return OptimWrapperDict(
        **{
            name: OptimWrapper(
                torch.optim.Adam(getattr(model, name).parameters(), lr, (0.5, 0.999)),
                accumulative_counts=accumulative_counts,
            )
            for name in ('generators', 'discriminators')
        }
    )


def snapshot(module):
    return {k: v.clone() for k, v in module.state_dict().items()}


def changed(module, before):
    return any((before[k] != v).any() for k, v in module.state_dict().items())


@pytest.mark.parametrize('registry', [MMAGIC_MODELS, MODELS])
def test_both_registries_build_it(registry):
    assert isinstance(registry.build(config()), Pix2PixHD)


def test_it_builds_by_bare_name_in_the_scope_of_mmagic():
    with DefaultScope.overwrite_default_scope('mmagic'):
        assert isinstance(MMENGINE_MODELS.build(config()), Pix2PixHD)


def test_channels_follow_from_the_label_encoder():
    model = MODELS.build(config(label_encoder=dict(num_classes=5, edges=True)))
    assert model.generators['photo'].in_channels == 7
    assert model.discriminators['photo'].in_channels == 10


@pytest.mark.parametrize(('part', 'right'), [('generator', 4), ('discriminator', 7)])
def test_wrong_channels_are_refused_with_both_numbers(part, right):
    wrong = config()
    wrong[part]['in_channels'] = 9
    with pytest.raises(ValueError, match=rf'{part}.*in_channels=9.*{right} channels'):
        MODELS.build(wrong)


def test_unknown_loss_option_is_refused():
    with pytest.raises(ValueError, match=r'loss_config=.*pixel_weight'):
        MODELS.build(config(loss_config=dict(pixel_weight=1)))


def test_paint_gives_storable_rgb_of_the_maps_size():
    model = MODELS.build(config())
    maps = label_maps(7, 10)  # does not divide by the stride 4
    photos = model.paint(maps)
    assert photos.shape == (2, 3, 7, 10)
    assert photos.dtype == torch.uint8
    exact = model.translation(label_maps(8, 12))
    wanted = ((exact + 1) * 127.5).round().to(torch.uint8)
    assert (model.paint(label_maps(8, 12)) == wanted).all()


def test_padded_maps_are_painted_as_if_their_border_went_on():
    model = MODELS.build(config())
    maps = torch.zeros(1, 1, 8, 12, dtype=torch.uint8)
    maps[..., :5] = 2
    assert (model.paint(maps[..., :7, :10]) == model.paint(maps)[..., :7, :10]).all()


def test_paint_is_the_same_in_training_and_evaluation_mode():
    model = MODELS.build(config())
    assert (model.train().paint(label_maps()) == model.eval().paint(label_maps())).all()


def test_paint_uses_the_instances():
    model = MODELS.build(config(label_encoder=dict(num_classes=3, edges=True)))
    ids = torch.zeros(2, 1, 7, 10, dtype=torch.int32)
    maps = label_maps(7, 10)
    plain = model.translation(maps, instance_maps=ids)
    ids[..., 4:] = 33001
    assert not torch.equal(plain, model.translation(maps, instance_maps=ids))
    with pytest.raises(ValueError, match='edges=True'):
        model.paint(maps)


@pytest.mark.parametrize('size', [(8, 12), (9, 10)])
def test_training_step_updates_both_networks(size):
    torch.manual_seed(0)
    model = MODELS.build(config())
    model.init_weights()
    before = snapshot(model.generators), snapshot(model.discriminators)
    losses = model.train_step(batch(*size), optim_wrappers(model))
    assert set(losses) == {
        'loss_d_fake',
        'loss_d_real',
        'loss_g_gan',
        'loss_g_feature',
        'loss_g_pixel',
    }
    assert all(torch.isfinite(value) for value in losses.values())
    assert changed(model.generators, before[0])
    assert changed(model.discriminators, before[1])


def test_training_lowers_the_pixel_loss():
    torch.manual_seed(0)
    model = MODELS.build(config())
    model.init_weights()
    wrappers, data = optim_wrappers(model, lr=0.005), batch()
    losses = [model.train_step(dict(data), wrappers)['loss_g_pixel'] for _ in range(40)]
    assert losses[-1] < 0.8 * losses[0]


class BFloat16OptimWrapper(OptimWrapper):
    """What ``AmpOptimWrapper`` does on a GPU; MMEngine refuses it on the CPU."""

    @contextlib.contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield


def test_mixed_precision_trains_nearly_alike():
    losses, grown = {}, {}
    for wrapper_type in (OptimWrapper, BFloat16OptimWrapper):
        torch.manual_seed(0)
        model = MODELS.build(
            config(
                segmentation_discriminator=dict(
                    type='Pix2PixHDSegmentationDiscriminator',
                    base_channels=4,
                    num_downsamples=2,
                )
            )
        )
        model.init_weights()
        wrappers = OptimWrapperDict(
            **{
                name: wrapper_type(torch.optim.Adam(getattr(model, name).parameters()))
                for name in ('generators', 'discriminators')
            }
        )
        before = snapshot(model.generators)
        losses[wrapper_type] = model.train_step(batch(), wrappers)
        assert changed(model.generators, before)
        grown[wrapper_type] = next(model.generators.parameters())
    full, half = losses[OptimWrapper], losses[BFloat16OptimWrapper]
    for name, value in half.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(full[name].item(), rel=0.05), name
        assert value.item() != full[name].item(), name
    assert grown[BFloat16OptimWrapper].dtype == torch.float32


def test_gradients_accumulate_over_steps():
    torch.manual_seed(0)
    model = MODELS.build(config())
    wrappers = optim_wrappers(model, accumulative_counts=2)
    for wrapper in wrappers.values():
        wrapper.initialize_count_status(model, 0, 4)
    before = snapshot(model.generators), snapshot(model.discriminators)
    model.train_step(batch(), wrappers)
    assert not changed(model.generators, before[0])
    assert not changed(model.discriminators, before[1])
    model.train_step(batch(), wrappers)
    assert changed(model.generators, before[0])
    assert changed(model.discriminators, before[1])


def test_validation_gives_samples_in_mmagics_way():
    model = MODELS.build(config())
    samples = model.val_step(batch())
    assert [sample.img_path for sample in samples] == ['0', '1']
    painted = model.paint(label_maps())[0]
    assert samples[0].fake_photo.shape == (3, 8, 12)
    bgr = samples[0].fake_photo.round().to(torch.uint8)
    assert (bgr.flip(0).int() - painted.int()).abs().max() <= 1
    assert (samples[0].label == label_maps()[0]).all()


def test_without_a_discriminator_it_paints_but_does_not_train():
    model = MODELS.build(config(discriminator=None))
    assert model.paint(label_maps()).shape == (2, 3, 8, 12)
    with pytest.raises(ValueError, match='without a discriminator'):
        model.train_step(batch(), None)
