"""Generators that need no training, for tests of all that is around one."""

import numpy as np

from mmseg_ganaug.registry import GENERATORS


@GENERATORS.register_module(force=True)
class GreyPainter:
    """Paints every class in its own grey, whatever the number of classes.

    Other painters inherit what is the same for all.
    """

    config = {}
    ignore_index = 255
    uses_instances = False
    scale = None
    needs_whole_map = False

    def fingerprint(self):
        return type(self).__name__

    def check(self, num_classes, has_instances):
        pass

    def load(self):
        pass

    def release(self):
        pass

    def paint(self, label_maps, instance_maps=None):
        return np.repeat(label_maps[..., None], 3, axis=-1)


@GENERATORS.register_module(force=True)
class ColourPainter(GreyPainter):
    """Paints each class in its grey, counts batches, and can be set to die."""

    batches = 0
    dies_after = None

    def __init__(self, name='a', num_classes=None):
        self._name = name
        self._num_classes = num_classes

    def fingerprint(self):
        return f'ColourPainter {self._name}'

    def check(self, num_classes, has_instances):
        assert self._num_classes in (None, num_classes)

    def paint(self, label_maps, instance_maps=None):
        if self.dies_after is not None and type(self).batches >= self.dies_after:
            raise KeyboardInterrupt
        type(self).batches += 1
        return np.repeat(label_maps[..., None] * 20, 3, axis=-1)
