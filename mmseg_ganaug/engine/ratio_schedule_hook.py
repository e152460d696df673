"""Changes the share of generated samples while a segmenter trains."""

import logging
import math
from typing import Callable, Dict, Sequence, Tuple

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import Sampler

from mmseg_ganaug.datasets import InfiniteRatioSampler, RatioSampler
from mmseg_ganaug.option_checks import check_choice, check_numbers, refuse
from mmseg_ganaug.registry import HOOKS

# From one point to the next: the share of the change that is made, at a time 0..1.
_CURVES: Dict[str, Callable[[float], float]] = {
    'linear': lambda time: time,
    'cosine': lambda time: (1 - math.cos(math.pi * time)) / 2,
    'step': lambda time: 0.0,
}


@HOOKS.register_module()
class RatioScheduleHook(Hook):
    """Lets the ``generated_fraction`` of a ratio sampler follow a curve, and logs it.

    Generated samples that fade out in the last fifth of the training::

        train_dataloader = dict(
            sampler=dict(type='InfiniteRatioSampler', generated_fraction=0.5))
        custom_hooks = [
            dict(type='RatioScheduleHook', points=[(0.8, 0.5), (1.0, 0.0)])]

    The sampler evaluates the curve for the iteration that a sample is drawn for, so
    that workers which load ahead change nothing, and resumed training draws what
    uninterrupted training would have drawn. One exception: the batches that workers
    load before training starts (``num_workers * prefetch_factor``) hold the sampler's
    own fraction; where the curve differs that early, a warning says so.

    The fraction is logged as ``generated_fraction``.

    Args:
        points (Sequence[tuple[float, float]]): Time, as share of the whole training
            (0..1, rising), and the fraction at that time. Before the first one, the
            sampler's own fraction holds; after the last one, the last one's. Without
            points, the sampler's fraction is only logged.
        curve (str): Course from one point to the next: 'linear', 'cosine' (half a wave,
            level at both ends), or 'step' (jumps when the next one is reached).

    Raises:
        ValueError: When a point lies outside, the times do not rise, or the curve is
            unknown; when training starts, also where the sampler is not one of ours or
            cannot draw a fraction.
    """

    # Before the logger.
    priority = 'NORMAL'

    def __init__(
        self, points: Sequence[Tuple[float, float]] = (), curve: str = 'linear'
    ) -> None:
        if not isinstance(points, (list, tuple)):
            raise refuse(self, 'points', points, 'a list of (time, fraction)')
        self.points = [
            check_numbers(self, f'points[{number}]', point, 0, 1, length=2)
            for number, point in enumerate(points)
        ]
        times = [time for time, _ in self.points]
        if any(later <= earlier for earlier, later in zip(times, times[1:])):
            raise refuse(self, 'points', points, '(time, fraction) whose times rise')
        self._way = _CURVES[check_choice(self, 'curve', curve, tuple(_CURVES))]

    def fraction(self, time: float, before: float) -> float:
        """Returns the fraction of generated samples at a time.

        Args:
            time (float): Share of the training, 0..1.
            before (float): Fraction until the first point.

        Returns:
            float: 0..1.
        """
        reached = [point for point in self.points if point[0] <= time]
        if not reached:
            return before
        start, value = reached[-1]
        if len(reached) == len(self.points):
            return value
        end, target = self.points[len(reached)]
        return value + (target - value) * self._way((time - start) / (end - start))

    def before_train(self, runner: Runner) -> None:
        """Hands the curve to the sampler.

        Raises:
            ValueError: See the class.
        """
        loader = runner.train_dataloader
        sampler, batch_size = self._drawn_by(runner)
        if not isinstance(sampler, RatioSampler):
            raise ValueError(
                'RatioScheduleHook needs a sampler that holds a ratio, not '
                f'{type(sampler).__name__}: set train_dataloader.sampler=dict('
                "type='mmseg_ganaug.InfiniteRatioSampler', generated_fraction=...), or "
                "'mmseg_ganaug.RatioSampler' for training by epochs"
            )
        for _, fraction in self.points:
            sampler.check_fraction(fraction)
        own = sampler.generated_fraction
        self._at = lambda iteration: self.fraction(iteration / runner.max_iters, own)
        if self.points:
            sampler.set_schedule(self._at, batch_size, len(loader))
            self._warn_of_early_batches(math.ceil(sampler.num_drawn / batch_size), own)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Logs the fraction of this iteration.

        Raises:
            RuntimeError: When training was resumed, but not its samples.
        """
        sampler, batch_size = self._drawn_by(runner)
        if (
            self.points
            and isinstance(sampler, InfiniteRatioSampler)
            and sampler.num_drawn < runner.iter * batch_size
        ):
            raise RuntimeError(
                f'training is resumed at iteration {runner.iter}, but its samples and '
                'the schedule of their ratio start from the beginning: MMEngine '
                'skips the samples already used only from version 0.10.3 on (pip '
                'install mmengine==0.10.7)'
            )
        runner.message_hub.update_scalar(
            'train/generated_fraction', self._at(runner.iter)
        )

    @staticmethod
    def _drawn_by(runner: Runner) -> Tuple[Sampler, int]:
        """Returns what draws the training samples, and how many of them a batch has."""
        # Where the config has a batch_sampler, the loader itself knows neither.
        batches = runner.train_dataloader.batch_sampler
        return batches.sampler, batches.batch_size

    def _warn_of_early_batches(self, number: int, own: float) -> None:
        early = [at for at in range(number) if self._at(at) != own]
        if early:
            print_log(
                f'The workers have already loaded {number} batches with the '
                f"sampler's own generated_fraction={own}: iterations {early[0]} to "
                f'{early[-1]} do not follow the curve of RatioScheduleHook yet',
                logger='current',
                level=logging.WARNING,
            )
