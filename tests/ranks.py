"""Ranks of a distributed run, on the CPU."""

import multiprocessing
import os
import time
from datetime import timedelta

# Of all ranks together, in seconds.
PATIENCE = 120


def run_ranks(function, world, folder, *arguments):
    """Calls a function in processes that are the ranks of one group.

    Where a rank fails the others are ended, as torchrun does.

    Args:
        function: Of a module; called with the rank and the arguments.
        world: Number of ranks; one is a process without a group.
        folder: Where the ranks meet, by a file: a port may be taken.
        arguments: What can be pickled.

    Returns:
        The exit code of each rank.
    """
    context = multiprocessing.get_context('forkserver')
    meeting = folder / f'ranks-{time.monotonic_ns()}'
    ranks = [
        context.Process(
            target=_be_rank, args=(function, rank, world, meeting, arguments)
        )
        for rank in range(world)
    ]
    for process in ranks:
        process.start()
    end = time.monotonic() + PATIENCE
    try:
        while any(process.is_alive() for process in ranks):
            if time.monotonic() > end or any(process.exitcode for process in ranks):
                break
            time.sleep(0.02)
    finally:
        for process in ranks:
            process.kill()
            process.join(PATIENCE)
    return [process.exitcode for process in ranks]


def _be_rank(function, rank, world, meeting, arguments):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world))
    os.environ['CUDA_VISIBLE_DEVICES'] = ''

    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    if world > 1:
        dist.init_process_group(
            'gloo',
            init_method=f'file://{meeting}',
            rank=rank,
            world_size=world,
            timeout=timedelta(seconds=PATIENCE),
        )
    function(rank, *arguments)
    if world > 1:
        dist.destroy_process_group()
