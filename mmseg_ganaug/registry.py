"""Registries of the package (scope ``mmseg_ganaug``).

They are children of MMEngine's roots, as MMSeg's and MMagic's own are: a child of
MMSeg's would be out of reach for MMagic, whose runner trains the generator.
``type='mmseg_ganaug.X'`` makes MMEngine import this module by itself. The bare
``type='X'`` works in any scope once ``mmseg_ganaug`` is imported, for instance by
``custom_imports = dict(imports=['mmseg_ganaug'])``.
"""

import difflib
import functools
import inspect
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Set

from mmengine import registry as mmengine_registry
from mmengine.registry import DefaultScope, Registry, build_from_cfg

from mmseg_ganaug import compat

SCOPE = 'mmseg_ganaug'


class _CheckingRegistry(Registry):
    """Registry whose classes name the options that they do not know.

    Python's own error names the class that a surplus option reaches in the end, which
    may be one of MMSeg.
    """

    def register_module(self, name=None, force=False, module=None):
        """Registers a class, see :class:`mmengine.registry.Registry`."""
        if module is None:
            register = super().register_module(name, force)
            return lambda made: register(_with_checked_options(made))
        return super().register_module(name, force, _with_checked_options(module))


def _with_checked_options(made: Any) -> Any:
    """Has a class refuse unknown options by its own name; returns it."""
    if not inspect.isclass(made):
        return made
    build = made.__init__

    @functools.wraps(build)
    def __init__(self, *args, **options):
        known = _options_of(type(self))
        for name in () if known is None else options.keys() - known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'did you mean {near[0]}? ' if near else ''
            raise ValueError(
                f'{type(self).__name__}: it has no option {name}: {hint}'
                f'It has {", ".join(sorted(known))}'
            )
        build(self, *args, **options)

    setattr(made, '__init__', __init__)  # noqa: B010
    return made


def _options_of(kind: type) -> Optional[Set[str]]:
    """Lists the options of a class, and those it hands on; None: it takes any."""
    known: Set[str] = set()
    for parent in kind.__mro__[:-1]:
        if '__init__' not in vars(parent):
            continue
        build = vars(parent)['__init__']
        parameters: List = list(inspect.signature(build).parameters.values())
        known.update(
            p.name
            for p in parameters[1:]
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        )
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return known
    return None


class _RootModules(dict):
    """Module table of a root registry that also knows our bare names.

    The classes are imported when one is asked for, so that importing the package
    stays cheap.
    """

    def __init__(self, modules: Dict, child: Registry, names: FrozenSet[str]) -> None:
        super().__init__(modules)
        self._child = child
        self._names = names

    def __contains__(self, name) -> bool:
        return super().__contains__(name) or name in self._names

    def __missing__(self, name):
        if name not in self._names:
            raise KeyError(name)
        # Not by get(), which asks the parent for what the child does not have.
        self._child.import_from_location()
        if name not in self._child.module_dict:  # It is only there with MMagic.
            compat.prepare_synthesis()
            raise KeyError(name)
        return self._child.module_dict[name]


def _child_of(root: Registry, locations: Sequence[str], *names: str) -> Registry:
    """Makes our child of an MMEngine root; ``names`` are its bare names."""
    child = _CheckingRegistry(
        root.name, parent=root, scope=SCOPE, locations=list(locations)
    )
    root._module_dict = _RootModules(root._module_dict, child, frozenset(names))
    return child


def _build_in_own_scope(cfg, registry: Registry, default_args=None):
    # Without a root in MMEngine, the default scope ('mmseg') is not to be found.
    with DefaultScope.overwrite_default_scope(SCOPE):
        return build_from_cfg(cfg, registry, default_args)


def _own_root(name: str, location: str) -> Registry:
    return _CheckingRegistry(
        name, scope=SCOPE, build_func=_build_in_own_scope, locations=[location]
    )


DATASETS = _child_of(
    mmengine_registry.DATASETS,
    [f'{SCOPE}.datasets'],
    'CamVidDataset',
    'ClassPresenceDataset',
    'GANRecomposeDataset',
    'LabelToImageDataset',
    'RareClassSamplingDataset',
    'ToyStreetsDataset',
)
DATA_SAMPLERS = _child_of(
    mmengine_registry.DATA_SAMPLERS,
    [f'{SCOPE}.datasets'],
    'InfiniteRatioSampler',
    'RatioSampler',
)
TRANSFORMS = _child_of(
    mmengine_registry.TRANSFORMS,
    [f'{SCOPE}.datasets.transforms'],
    'DamageObjects',
    'LoadGeneratedSample',
    'LoadInstanceMap',
    'PackLabelToImage',
    'RandomClassCrop',
    'RecomposeLabels',
    'StyleTransfer',
)
MODELS = _child_of(
    mmengine_registry.MODELS,
    # The second holds what paints inside a segmenter, and knows generators; the third
    # a loss that counts the classes of the training data.
    [
        f'{SCOPE}.models',
        f'{SCOPE}.synthesis.online',
        f'{SCOPE}.datasets.class_weighted_loss',
    ],
    'ClassWeightedCrossEntropyLoss',
    'EfficientNetLite',
    'GANSegDataPreProcessor',
    'Harmonizer',
    'Pix2PixHD',
    'Pix2PixHDEncoder',
    'Pix2PixHDGlobalGenerator',
    'Pix2PixHDLocalEnhancer',
    'Pix2PixHDMultiscaleDiscriminator',
    'Pix2PixHDSegmentationDiscriminator',
    'SoftmaxFocalLoss',
)
HOOKS = _child_of(
    mmengine_registry.HOOKS,
    [f'{SCOPE}.engine'],
    'FeatureClusterHook',
    'LabelToImageVisualizationHook',
    'MixedSamplesHook',
    'RatioScheduleHook',
)
METRICS = _child_of(
    mmengine_registry.METRICS,
    [f'{SCOPE}.evaluation.metrics'],
    'ClassIoUMetric',
    'GeneratorFIDMetric',
    'GeneratorFidelityMetric',
)

# Recomposers, the generators that paint their label maps, and filters of the samples.
RECOMPOSERS = _own_root('recomposer', f'{SCOPE}.datasets.sample_plan')
GENERATORS = _own_root('generator', f'{SCOPE}.synthesis')
FILTERS = _own_root('filter', f'{SCOPE}.synthesis')
