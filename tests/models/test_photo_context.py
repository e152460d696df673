"""A generator that paints holes in photos, by labels and by what is around them."""

import numpy as np
import pytest
import torch
from mmagic.structures import DataSample
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmseg_ganaug.models.pix2pixhd.photo_context import PhotoContext, SeenPhoto
from mmseg_ganaug.registry import MODELS

SIZE = (24, 32)


def build(context=None, edges=False, **kwargs):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=3, edges=edges),
            generator=dict(
                type='Pix2PixHDGlobalGenerator',
                base_channels=4,
                num_downsamples=1,
                num_blocks=1,
                norm='pixel',
            ),
            discriminator=dict(
                type='Pix2PixHDMultiscaleDiscriminator', base_channels=4, num_layers=1
            ),
            context=context or {},
            **kwargs,
        )
    )
    model.init_weights()
    return model


def hole():
    holes = torch.zeros(2, 1, *SIZE, dtype=torch.bool)
    holes[0, :, 6:14, 8:20] = True
    holes[1, :, 10:16, 20:28] = True
    return holes


def maps():
    labels = torch.zeros(2, 1, *SIZE, dtype=torch.uint8)
    labels[..., 12:, :] = 1
    labels[..., :16] += 1
    return labels


def photos(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 3, *SIZE)
    return torch.randint(0, 256, shape, generator=generator).to(torch.uint8)


def batch(holes=None, recomposed=False, instances=False):
    inputs = dict(img_label=list(maps()), img_photo=list(photos()))
    if holes is not None:
        inputs['img_hole'] = list(holes.to(torch.uint8))
    if recomposed:
        inputs['img_recomposed_label'] = list(maps())
    if instances:
        ids = maps().int()
        inputs['img_instance'] = list(ids)
        if recomposed:
            inputs['img_recomposed_instance'] = list(ids)
    samples = [DataSample(metainfo=dict(img_photo_channel_order='RGB'))] * 2
    return dict(inputs=inputs, data_samples=samples)


def wrappers(model):
    parts = dict(generators=[model.generators], discriminators=[model.discriminators])
    if model.encoder is not None:
        parts['generators'].append(model.encoder)
    return OptimWrapperDict(
        **{
            name: OptimWrapper(
                torch.optim.Adam([p for m in own for p in m.parameters()], 0.002)
            )
            for name, own in parts.items()
        }
    )


def rng():
    return np.random.default_rng(0)


def test_without_the_option_nothing_is_different():
    plain, with_context = build(), build(dict())
    assert plain.context is not None  # {} is the option with its defaults
    none = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=3),
            generator=dict(type='Pix2PixHDGlobalGenerator', base_channels=4),
        )
    )
    assert none.context is None
    assert none.generators['photo'].in_channels == 4
    assert with_context.generators['photo'].in_channels == 8
    assert with_context.discriminators['photo'].in_channels == 7


def test_only_the_holes_are_painted():
    model = build(dict(grow=0))
    painted = model.paint(maps(), photos=photos(), holes=hole())
    outside = ~hole().expand(-1, 3, -1, -1)
    assert torch.equal(painted[outside], photos()[outside])
    assert not torch.equal(painted, photos())


def test_what_the_holes_show_is_not_used_and_what_is_around_them_is():
    model = build(dict(grow=0))
    holes = hole()
    seen = photos()
    hidden = torch.where(holes, photos(1), seen)
    painted = model.paint(maps(), photos=seen, holes=holes)
    assert torch.equal(painted, model.paint(maps(), photos=hidden, holes=holes))
    elsewhere = torch.where(holes, seen, photos(1))
    other = model.paint(maps(), photos=elsewhere, holes=holes)
    inside = holes.expand(-1, 3, -1, -1)
    assert not torch.equal(painted[inside], other[inside])


def test_without_a_photo_it_paints_all_of_it_from_labels():
    model = build()
    everything = torch.ones_like(hole())
    painted = model.paint(maps())
    assert torch.equal(painted, model.paint(maps(), photos=photos(), holes=everything))


def test_holes_grow_over_their_own_label_alone():
    labels = torch.zeros(1, 1, 9, 9, dtype=torch.uint8)
    labels[..., 5:] = 1
    holes = torch.zeros(1, 1, 9, 9, dtype=torch.bool)
    holes[..., 4, 3] = True
    grown = PhotoContext(grow=2).grown(holes, labels)[0, 0]
    assert grown[2:7, 1:5].all() and grown.sum() == 20
    assert torch.equal(PhotoContext(grow=0).grown(holes, labels), holes)
    painted = build(dict(grow=2)).paint(maps(), photos=photos(), holes=hole())
    changed = (painted != photos()).any(1)
    assert changed[0, 4:6, 10:16].any() and not changed[0, :4].any()


def test_surroundings_are_spread_into_holes():
    flat = torch.tensor([0.5, -0.25, 0.0]).view(1, 3, 1, 1).expand(2, 3, *SIZE)
    read = PhotoContext.encode(SeenPhoto(flat, hole()))
    torch.testing.assert_close(read[:, :3], flat)
    assert torch.equal(read[:, 3:] == 1, hole())
    left = torch.where(torch.arange(SIZE[1]) < 14, 1.0, -1.0).expand(2, 3, *SIZE)
    read = PhotoContext.encode(SeenPhoto(left, hole()))[0, 0, 9]
    assert read[8] > 0.3 and read[19] < -0.3 and (read[8:20].diff() <= 0).all()
    nothing = PhotoContext.encode(PhotoContext.nothing_seen(maps()))
    assert (nothing[:, :3] == 0).all() and (nothing[:, 3:] == 1).all()


def test_the_whole_photo_is_the_hole_first_and_sometimes_later():
    context = PhotoContext(whole_iters=3, whole_prob=0.5)
    real = torch.zeros(2, 3, *SIZE)
    assert context.training_view(real, hole(), 2, rng()).holes.all()
    assert context.training_view(real, None, 0, rng()).holes.all()
    drawn = np.random.default_rng(0)
    views = [context.training_view(real, hole(), 3, drawn).holes for _ in range(200)]
    whole = torch.stack(views).flatten(2).all(2).float().mean().item()
    assert whole == pytest.approx(0.5, abs=0.1)
    never = PhotoContext(whole_prob=0.0)
    assert torch.equal(never.training_view(real, hole(), 0, rng()).holes, hole())
    empty = hole()
    empty[1] = False
    holes = never.training_view(real, empty, 0, rng()).holes
    assert torch.equal(holes[0], hole()[0]) and holes[1].all()


def test_missing_holes_are_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r'holes=dict\(\) to LabelToImageDataset'):
        build().train_step(batch(), wrappers(build()))


def test_losses_count_holes_and_ring_by_the_same_weight_for_each_sample():
    context = PhotoContext(ring=2)
    counted = context.counted(hole())
    assert counted.mean((2, 3)).flatten().tolist() == pytest.approx([1, 1])
    assert (counted[0, 0, 4:16, 6:22] > 0).all() and counted[0, 0, 3].max() == 0
    tiny = torch.zeros(1, 1, 100, 100, dtype=torch.bool)
    tiny[..., 50, 50] = True
    assert context.counted(tiny).max() == 1 / 0.05


def test_what_is_far_from_the_holes_has_no_part_in_the_losses():
    model = build(dict(ring=2), loss_config=dict(pixel_loss_weight=10.0))
    holes, real = hole(), photos().float() / 127.5 - 1
    losses = {}
    far = model.context.counted(holes) == 0
    for name, fake in (('same', real), ('far', real + far), ('near', real + ~far)):
        encoded = model.label_encoder(maps())
        model.objective.feature_loss_weight = 0.0
        found = model._generator_loss(maps(), encoded, fake, real, 'photo', holes)
        losses[name] = found[1]['loss_g_pixel'].item()
    assert losses['same'] == losses['far'] == 0
    assert losses['near'] == pytest.approx(10)


def test_the_discriminators_call_the_holes_generated_and_not_the_rest():
    model = build(
        dict(ring=0),
        segmentation_discriminator=dict(
            type='Pix2PixHDSegmentationDiscriminator',
            base_channels=4,
            num_downsamples=1,
        ),
    )
    segmentation, holes = model.objective.segmentation, hole()
    logits = torch.zeros(4, 4, *SIZE)
    logits[:2, 3] = torch.where(holes[:, 0], 50.0, -50.0)
    losses = segmentation.discriminator_losses(logits, maps(), holes)
    assert losses['loss_d_segmentation_fake'].item() == pytest.approx(0, abs=1e-6)
    assert (
        segmentation.discriminator_losses(logits, maps())[
            'loss_d_segmentation_fake'
        ].item()
        > 10
    )
    scores = torch.where(holes, 0.0, 1.0)
    scored = [[torch.cat([scores, torch.ones_like(scores)])]]
    found = model.objective.discriminator_losses(scored, 2, holes.float())
    assert found['loss_d_fake'].item() == 0 and found['loss_d_real'].item() == 0


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(pool_size=2),
        dict(label_warp=dict(prob=1.0)),
        dict(noise_channels=2),
        dict(
            encoder=dict(type='Pix2PixHDEncoder', base_channels=4, num_downsamples=1),
            edges=True,
        ),
        dict(
            segmentation_discriminator=dict(
                type='Pix2PixHDSegmentationDiscriminator',
                base_channels=4,
                num_downsamples=1,
            ),
            loss_config=dict(class_balance=dict(), pixel_loss_weight=1.0),
        ),
    ],
)
@pytest.mark.parametrize('recomposed', [False, True])
def test_it_trains_with_every_other_option(options, recomposed):
    model = build(dict(whole_prob=0.0), **options)
    data = batch(hole(), recomposed, instances=options.get('edges', False))
    optimizers = wrappers(model)
    before = [p.detach().clone() for p in model.generators.parameters()]
    for _ in range(3):
        losses = model.train_step(data, optimizers)
    assert all(torch.isfinite(value) for value in losses.values())
    after = model.generators.parameters()
    assert all(not torch.equal(a, b) for a, b in zip(after, before))


def flat(values):
    return torch.tensor(values).view(2, 1, 1, 1).expand(2, 3, *SIZE).byte()


def test_untrained_it_begins_with_what_is_around():
    model = build(dict(grow=0))
    dark, bright = (
        model.paint(maps(), photos=flat([v, v]), holes=hole()).float()
        for v in (60, 180)
    )
    inside = hole().expand(-1, 3, -1, -1)
    assert (bright - dark)[inside].mean().item() == pytest.approx(120, abs=15)


def test_training_teaches_it_what_labels_add_to_what_is_around():
    """In the holes, label 1 is brighter than its surroundings, whatever these are."""
    model = build(
        dict(whole_prob=0.0, grow=0),
        loss_config=dict(pixel_loss_weight=20.0, feature_loss_weight=0.0),
    )
    optimizers, drawn = wrappers(model), np.random.default_rng(0)
    bright = hole() & (maps() == 1)
    for _ in range(200):
        data = batch(hole())
        around = flat(drawn.integers(20, 200, 2))
        data['inputs']['img_photo'] = list(around + 50 * bright.byte())
        model.train_step(data, optimizers)
    for value in (40, 180):
        painted = model.paint(maps(), photos=flat([value, value]), holes=hole())
        added = painted.float().mean(1, keepdim=True) - value
        rest = hole() & ~bright
        assert added[bright].mean() > added[rest].mean() + 25


@pytest.mark.parametrize('stated', [False, True])
def test_holes_are_holes_whatever_preprocessor_a_config_states(stated):
    """Normalised as a photo is, a mask would be a hole everywhere."""
    options = {}
    if stated:
        options['data_preprocessor'] = dict(
            type='DataPreprocessor',
            mean=127.5,
            std=127.5,
            non_image_keys=['img_label', 'img_instance'],
            data_keys=None,
        )
    model = build(dict(whole_prob=0.0), **options)
    read = []
    model.generators['photo'].register_forward_pre_hook(
        lambda module, inputs: read.append(inputs[0])
    )
    model.train_step(batch(hole()), wrappers(model))
    assert torch.equal(read[0][:, -1:] == 1, hole())


def test_validation_shows_the_holes_painted():
    model = build()
    sample = model.val_step(batch(hole()))[0]
    rgb = sample.fake_photo.flip(0).round().to(torch.uint8)
    outside = ~hole()[0].expand(3, -1, -1)
    assert torch.equal(rgb[outside], photos()[0][outside])
    inside = hole()[0].expand(3, -1, -1)
    assert not torch.equal(rgb[inside], photos()[0][inside])


def test_a_seen_photo_keeps_its_pixels_to_the_last_bit():
    seen = SeenPhoto(photos().float().div(127.5).sub(1), hole() & False)
    model = build()
    painted = model.paint(maps(), photos=photos(), holes=seen.holes)
    assert torch.equal(painted, photos())
