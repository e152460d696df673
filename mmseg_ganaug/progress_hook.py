"""Reports how far a run of MMEngine is."""

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmseg_ganaug.progress import ProgressReport


class ProgressHook(Hook):
    """Reports how far a training, its validation or a test is.

    ``tools/train.py`` and ``tools/test.py`` add it to each run.
    """

    priority = 'LOW'

    def before_train(self, runner: Runner) -> None:
        """Begins at the iteration that a training goes on from."""
        self._train = ProgressReport('train', runner.max_iters, runner.iter)

    def after_train_iter(self, runner: Runner, *_, **__) -> None:
        """Counts an iteration."""
        self._train.show(runner.iter + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        """Begins with the batches of a validation."""
        self._evaluation = ProgressReport('val', _num_batches(runner.val_loop))

    def before_test_epoch(self, runner: Runner) -> None:
        """Begins with the batches of a test."""
        self._evaluation = ProgressReport('test', _num_batches(runner.test_loop))

    def after_val_iter(self, runner: Runner, batch_idx: int, *_, **__) -> None:
        """Counts a batch."""
        self._evaluation.show(batch_idx + 1)

    def after_test_iter(self, runner: Runner, batch_idx: int, *_, **__) -> None:
        """Counts a batch."""
        self._evaluation.show(batch_idx + 1)


def _num_batches(loop: BaseLoop) -> int:
    # MMagic's loops have several loaders.
    return sum(map(len, getattr(loop, 'dataloaders', None) or [loop.dataloader]))
