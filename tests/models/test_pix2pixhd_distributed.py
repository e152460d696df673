"""Two processes train as one does on the same samples."""

import torch
from mmagic.structures import DataSample
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from ranks import run_ranks

from mmseg_ganaug.registry import MODELS

MODEL = dict(
    type='Pix2PixHD',
    label_encoder=dict(num_classes=3),
    generator=dict(
        type='Pix2PixHDGlobalGenerator',
        base_channels=2,
        num_downsamples=1,
        num_blocks=1,
    ),
    discriminator=dict(
        type='Pix2PixHDMultiscaleDiscriminator', base_channels=2, num_layers=1
    ),
    segmentation_discriminator=dict(
        type='Pix2PixHDSegmentationDiscriminator', base_channels=2, num_downsamples=2
    ),
    encoder=dict(type='Pix2PixHDEncoder', base_channels=2, num_downsamples=1),
    loss_config=dict(pixel_loss_weight=10.0),
)


def train(rank, folder, world):
    torch.manual_seed(0)
    model = MODELS.build(MODEL)
    model.init_weights()
    labels = torch.randint(0, 3, (2, 1, 16, 16)).to(torch.uint8)
    photos = torch.randint(0, 256, (2, 3, 16, 16)).to(torch.uint8)
    own = [rank] if world > 1 else [0, 1]
    wrapped = model
    if world > 1:
        wrapped = MMSeparateDistributedDataParallel(model, broadcast_buffers=False)
    groups = dict(
        generators=[*model.generators.parameters(), *model.encoder.parameters()],
        discriminators=list(model.discriminators.parameters()),
    )
    wrappers = OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(parameters, 0.01))
            for name, parameters in groups.items()
        }
    )
    for _ in range(3):
        samples = [DataSample(metainfo=dict(img_photo_channel_order='RGB'))]
        wrapped.train_step(
            dict(
                inputs=dict(
                    img_label=[labels[i] for i in own],
                    img_photo=[photos[i] for i in own],
                ),
                data_samples=samples * len(own),
            ),
            wrappers,
        )
    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    torch.save(flat, folder / f'{world}_{rank}.pth')


def run(folder, world):
    assert run_ranks(train, world, folder, folder, world) == [0] * world
    return [torch.load(folder / f'{world}_{rank}.pth') for rank in range(world)]


def test_two_processes_equal_one(tmp_path):
    first, second = run(tmp_path, 2)
    assert torch.equal(first, second)
    (single,) = run(tmp_path, 1)
    torch.testing.assert_close(first, single, atol=1e-5, rtol=1e-4)
