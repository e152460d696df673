"""Two processes train as one does on the same samples."""

import os
import subprocess
import sys
import textwrap

import torch

SCRIPT = textwrap.dedent(
    """
    import os, sys
    import torch
    import torch.distributed as dist
    from mmagic.structures import DataSample
    from mmengine.model import MMSeparateDistributedDataParallel
    from mmengine.optim import OptimWrapper, OptimWrapperDict
    import mmseg_ganaug
    from mmseg_ganaug.registry import MODELS

    torch.set_num_threads(1)
    world = int(os.environ['WORLD_SIZE'])
    rank = int(os.environ['RANK'])
    if world > 1:
        dist.init_process_group('gloo')
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=3),
        generator=dict(type='Pix2PixHDGlobalGenerator', base_channels=2,
                       num_downsamples=1, num_blocks=1),
        discriminator=dict(type='Pix2PixHDMultiscaleDiscriminator',
                           base_channels=2, num_layers=1),
        segmentation_discriminator=dict(
            type='Pix2PixHDSegmentationDiscriminator', base_channels=2,
            num_downsamples=2),
        encoder=dict(type='Pix2PixHDEncoder', base_channels=2, num_downsamples=1),
        loss_config=dict(pixel_loss_weight=10.0),
    ))
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
    wrappers = OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.SGD(parameters, 0.01))
        for name, parameters in groups.items()
    })
    for _ in range(3):
        samples = [DataSample(metainfo=dict(img_photo_channel_order='RGB'))]
        wrapped.train_step(dict(
            inputs=dict(img_label=[labels[i] for i in own],
                        img_photo=[photos[i] for i in own]),
            data_samples=samples * len(own),
        ), wrappers)
    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    torch.save(flat, f'{sys.argv[1]}/{world}_{rank}.pth')
    """
)


def run(folder, world):
    environment = dict(
        os.environ,
        WORLD_SIZE=str(world),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(20000 + os.getpid() % 20000),
        CUDA_VISIBLE_DEVICES='',
    )
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', SCRIPT, str(folder)],
            env=dict(environment, RANK=str(rank)),
        )
        for rank in range(world)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0] * world
    return [torch.load(folder / f'{world}_{rank}.pth') for rank in range(world)]


def test_two_processes_equal_one(tmp_path):
    first, second = run(tmp_path, 2)
    assert torch.equal(first, second)
    (single,) = run(tmp_path, 1)
    torch.testing.assert_close(first, single, atol=1e-5, rtol=1e-4)
