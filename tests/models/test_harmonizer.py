"""The harmonizer changes what it may and, before it is trained, nothing."""

import pytest
import torch

from mmseg_ganaug.models import Harmonizer

SIZE = (45, 61)


@pytest.fixture
def inputs():
    drawn = torch.Generator().manual_seed(0)

    def image(high, channels=3, count=2):
        return torch.randint(
            0, high, (count, channels, *SIZE), generator=drawn, dtype=torch.uint8
        )

    pasted = torch.zeros(2, 1, *SIZE, dtype=torch.bool)
    pasted[0, :, 12:25, 20:34] = True
    pasted[1, :, 30:, :9] = True
    photo = image(256)
    return dict(
        photo=photo,
        base=torch.where(pasted, image(256), photo),
        pasted=pasted,
        labels=image(3, 1),
    )


def disturbed(seed=0, **options):
    """A harmonizer that changes everything that it may."""
    torch.manual_seed(seed)
    model = Harmonizer(3, channels=4, num_blocks=1, rim=2, ring=6, **options).eval()
    for last in (model.to_tone, model.to_shadow, model.to_fade):
        torch.nn.init.normal_(last.weight, std=3.0)
        torch.nn.init.constant_(last.bias, 0.5)
    return model


def apart(pasted):
    """How far each pixel is from what is pasted, at most so many rows and columns."""
    for width in range(20):
        size = 2 * width + 1
        near = torch.nn.functional.max_pool2d(pasted.float(), size, 1, width) > 0
        yield width, near


def test_untrained_it_gives_the_same_bytes(inputs):
    assert torch.equal(Harmonizer(3)(**inputs), inputs['photo'])


def test_only_pasted_regions_and_the_ring_around_them_change(inputs):
    made = disturbed()(**inputs)
    assert made.dtype == torch.uint8
    changed = (made != inputs['photo']).any(dim=1, keepdim=True)
    distances = dict(apart(inputs['pasted']))
    assert not (changed & ~distances[6]).any()
    assert (changed & inputs['pasted']).sum() > 0.9 * inputs['pasted'].sum()
    assert (changed & ~inputs['pasted']).any()


def test_the_ring_only_gets_darker(inputs):
    made = disturbed()(**inputs)
    ring = ~inputs['pasted'].expand_as(made)
    assert (made[ring] <= inputs['photo'][ring]).all()


def test_shadows_lie_at_the_foot_of_objects_not_around_their_heads():
    pasted = torch.zeros(1, 1, 60, 40)
    pasted[..., 5:40, 15:25] = 1
    weight = Harmonizer(3, ring=8).ring_weight(pasted)[0, 0]
    assert weight[:30].max() == 0
    assert weight[40, 15:25].min() > 0.4
    assert weight[50:].max() == 0


def test_the_base_shows_through_in_the_rim_alone(inputs):
    model = disturbed()
    other = dict(inputs, base=torch.where(inputs['pasted'], 0, inputs['base']))
    depends = (model(**inputs) != model(**other)).any(dim=1, keepdim=True)
    outside = dict(apart(~inputs['pasted']))
    # What the edge of the photo cuts off has no rim there.
    assert depends.any()
    assert not (depends & ~(outside[2] & inputs['pasted'])).any()


def test_a_base_that_differs_elsewhere_is_of_no_account(inputs):
    model = disturbed()
    other = dict(inputs, base=torch.where(inputs['pasted'], inputs['base'], 7))
    assert torch.equal(model(**inputs), model(**other))


def test_bytes_do_not_depend_on_what_else_is_in_the_batch(inputs):
    model = disturbed()
    alone = [
        model(**{name: value[number : number + 1] for name, value in inputs.items()})
        for number in range(2)
    ]
    apart_by = (model(**inputs).int() - torch.cat(alone).int()).abs()
    assert apart_by.max() <= 1  # rounding of sums in another order


def test_changes_stay_within_their_bounds(inputs):
    model = disturbed()
    pasted = inputs['pasted'].float()
    made = model.changes(inputs['photo'].float(), pasted, inputs['labels'])
    assert (made.gain > 0.4).all() and (made.gain < 2.3).all()
    assert made.offset.abs().max() <= 64
    assert made.sharpness.abs().max() <= 1
    for part in (made.noise / 4, made.fade, made.shadow / 0.8):
        assert part.min() >= 0 and part.max() <= 1 + 1e-6


def test_light_varies_slowly(inputs):
    made = disturbed().changes(
        inputs['photo'].float(), inputs['pasted'].float(), inputs['labels']
    )
    step = (made.offset[..., 1:] - made.offset[..., :-1]).abs().max()
    assert step <= 2 * 64 / 7


def test_unknown_and_ignored_labels_are_alike(inputs):
    model = disturbed(ignore_index=2)
    outs = []
    for value in (2, 9, 255):
        labels = torch.full_like(inputs['labels'], value)
        outs.append(model(**dict(inputs, labels=labels)))
    assert torch.equal(outs[0], outs[1]) and torch.equal(outs[0], outs[2])


def test_it_learns_to_undo_another_light(inputs):
    torch.manual_seed(0)
    model = Harmonizer(3, channels=8, num_blocks=1)
    smooth = torch.nn.functional.avg_pool2d(inputs['photo'].float(), 9, 1, 4)
    target = smooth.to(torch.uint8)
    damaged = torch.where(inputs['pasted'], smooth * 0.6, smooth).to(torch.uint8)
    batch = dict(inputs, photo=damaged, base=target, target=target, mode='loss')
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        found = model(**batch)
        losses.append(found['loss_region'].item())
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
    assert losses[0] > 0.1
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize('last', ['to_tone', 'to_shadow', 'to_fade'])
def test_every_change_is_learned_from_the_first_step_on(inputs, last):
    model = Harmonizer(3, channels=4)
    smooth = 100 + inputs['photo'] // 64
    batch = dict(inputs, photo=smooth, target=smooth // 2, mode='loss')
    sum(model(**batch).values()).backward()
    weight = getattr(model, last).weight
    assert (weight.grad.flatten(1).abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize('textured', [False, True])
def test_noise_is_learned_from_grain_and_not_from_lost_texture(inputs, textured):
    model = Harmonizer(3, channels=4)
    grey = torch.full_like(inputs['photo'], 100)
    target = inputs['photo'] if textured else grey + inputs['photo'] // 43
    losses = model(**dict(inputs, photo=grey), target=target, mode='loss')
    assert (losses['loss_noise'] > 0) != textured
