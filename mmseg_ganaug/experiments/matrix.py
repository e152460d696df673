"""The matrix of a comparison: which methods, seeds and data, read and checked."""

import copy
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

from mmengine.config import Config, ConfigDict

from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import (
    find_generated,
    find_real,
    find_shipped,
    has_type,
    nested_dicts,
)
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.experiments.questions import (
    QUESTIONS,
    Questions,
    check_rare,
    read_questions,
)
from mmseg_ganaug.experiments.runner import LOGS, class_names
from mmseg_ganaug.experiments.training_run import num_iters
from mmseg_ganaug.own_data.configs import scale_length
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis.generator import build_generator
from mmseg_ganaug.synthesis.harmonized_pixels import paints

#: Folders beside those of the methods.
FOLDERS = ('configs', LOGS, 'results')
_KEYS = (
    *('protocol', 'seeds', 'methods', 'train_every', 'generator'),
    *('test_options', 'trained_as', *QUESTIONS),
)
_NEEDED = ('train_dataloader', 'train_cfg', 'test_dataloader', 'test_evaluator')


@dataclass(frozen=True)
class Matrix:
    """What a comparison is made of.

    Attributes:
        protocol: Its name.
        seeds: Of the trainings of each method.
        stated: What the file says of each method: ``config``, perhaps ``cfg_options``
            and ``generator``; of one that is another one, trained longer,
            ``twice_as_long_as``, too.
        configs: Config of each method that can be trained.
        faults: Why the others cannot.
        test_options: Options of the test.
        trained_as: Protocol of which the weights are.
        questions: What is asked beside the gain on the baseline.
    """

    protocol: str
    seeds: List[int]
    stated: Dict[str, Dict[str, Any]]
    configs: Dict[str, Config]
    faults: Dict[str, str]
    test_options: Dict[str, Any]
    trained_as: str
    questions: Questions


def read_matrix(
    path: Union[str, Path],
    protocol: Optional[str] = None,
    evaluate_on: Optional[Mapping[str, Any]] = None,
) -> Matrix:
    """Reads the matrix of a comparison.

    Args:
        path (str | Path): A config, see :class:`MethodComparison`.
        protocol (str, optional): As which its trainings are evaluated once more.
        evaluate_on (Mapping[str, Any], optional): What changes of the test then.

    Returns:
        Matrix: A method whose config cannot be read, trained or evaluated is among its
        faults.

    Raises:
        FileNotFoundError: When the file is missing.
        ValueError: When it lacks something, or a value in it is wrong; says what.
    """
    settings = read_config(find_shipped(path))
    missing = [k for k in ('protocol', 'seeds', 'methods') if not settings.get(k)]
    if missing:
        raise ValueError(
            f'{path} lacks {", ".join(missing)}: a comparison has a protocol '
            '(its name), seeds (a list) and methods (name -> config)'
        )
    if evaluate_on is not None:
        settings = _evaluated_on(settings, path, protocol, evaluate_on)
    _check_keys(settings, path)
    _check_values(settings, path)
    questions = read_questions(settings, list(settings.methods), str(path))
    test_options = dict(settings.get('test_options') or {})
    stated: Dict[str, Dict[str, Any]] = {}
    configs: Dict[str, Config] = {}
    faults: Dict[str, str] = {}
    classes: Dict[str, List[str]] = {}
    for name, value in settings.methods.items():
        value = dict(config=value) if isinstance(value, str) else value
        stated[name] = ConfigDict(value).to_dict()
        try:
            configs[name] = _method_config(
                stated[name], settings.get('train_every', 1), settings.get('generator')
            )
            classes[name] = _check_method(configs[name], test_options)
        except Exception as error:  # Whatever it is, the other methods can be trained.
            configs.pop(name, None)
            faults[name] = last_line(error)
        else:
            check_rare(questions.rare, classes[name])
    first = BASELINE if BASELINE in classes else next(iter(classes), BASELINE)
    for name in [name for name in classes if classes[name] != classes[first]]:
        del configs[name]
        faults[name] = (
            f'it is evaluated on the classes {classes[name]}, but {first} on '
            f'{classes[first]}: figures of other classes cannot be compared'
        )
    for name, longer in questions.doubled.items():
        if longer not in stated:
            stated[longer] = dict(stated[name], twice_as_long_as=name)
            if name in configs:
                configs[longer] = _twice_as_long(configs[name])
            else:
                faults[longer] = faults[name]
        elif {name, longer} <= set(configs):
            _check_lengths(configs, name, longer, path)
    return Matrix(
        protocol=settings.protocol,
        seeds=list(settings.seeds),
        stated=stated,
        configs=configs,
        faults=faults,
        test_options=test_options,
        trained_as=settings.get('trained_as', settings.protocol),
        questions=questions,
    )


def last_line(error: Exception) -> str:
    """Returns what a table says of an error: its last line.

    Args:
        error (Exception): Of a method; that of a tool ends with the tool's own.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[-1] if lines else ''
    known = isinstance(error, (ValueError, OSError, RuntimeError)) and line
    return line if known else f'{type(error).__name__}: {line}'.rstrip(': ')


def _evaluated_on(
    settings: Config,
    path: Union[str, Path],
    protocol: Optional[str],
    options: Mapping[str, Any],
) -> Config:
    values = dict(settings._cfg_dict)
    values.setdefault('trained_as', settings.protocol)
    taken = sorted({settings.protocol, values['trained_as']})
    if protocol is None or protocol in taken:
        raise ValueError(
            f'what {path} trained needs a protocol of its own when it is evaluated on '
            f'other data: give a name other than {", ".join(taken)}'
        )
    values['protocol'] = protocol
    values['test_options'] = {**(values.get('test_options') or {}), **options}
    return Config(values)


def _check_values(settings: Config, path: Union[str, Path]) -> None:
    seeds, methods = settings.seeds, settings.methods
    if not isinstance(seeds, (list, tuple)) or any(
        type(seed) is not int or not 0 <= seed < 2**32 for seed in seeds
    ):
        raise ValueError(
            f'seeds of {path} is {seeds!r}, but is a list of whole numbers from 0 to '
            '2**32 - 1'
        )
    if len(set(seeds)) < len(seeds):
        raise ValueError(f'seeds of {path} is {seeds!r}: each once')
    if not isinstance(methods, Mapping):
        raise ValueError(
            f'methods of {path} is {methods!r}, but gives a config for each name'
        )
    for name in (settings.protocol, settings.get('trained_as', 'x'), *methods):
        if not isinstance(name, str) or '/' in name or '\0' in name or name in '..':
            raise ValueError(
                f'{name!r} in {path} cannot be the name of a folder: call the protocol '
                'and each method otherwise, without a slash'
            )
    reserved = [name for name in FOLDERS if name in methods]
    if reserved:
        raise ValueError(
            f'{path} has a method {reserved[0]!r}, which is the name of a folder for '
            'something else: call it otherwise'
        )
    wrong = [name for name, value in methods.items() if not _is_method(value)]
    if wrong:
        raise ValueError(
            f'method {wrong[0]!r} of {path} is {methods[wrong[0]]!r}, but is the path '
            'of a config, or dict(config=..., cfg_options=..., generator=...) with no '
            'other keys'
        )
    for key in ('generator', 'test_options'):
        if not isinstance(settings.get(key) or {}, Mapping):
            raise ValueError(f'{key} of {path} is {settings[key]!r}, but is a dict')
    if BASELINE not in methods:
        raise ValueError(
            f'{path} has no method {BASELINE!r}: call the one so that all others '
            f'are compared with; there are {", ".join(methods)}'
        )
    every = settings.get('train_every', 1)
    if type(every) is not int or every < 1:
        raise ValueError(f'train_every of {path} is {every!r}, but is 1 or more')


def _is_method(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return isinstance(value, str)
    has_options = isinstance(value.get('cfg_options') or {}, Mapping)
    known = set(value) <= {'config', 'cfg_options', 'generator'}
    return isinstance(value.get('config'), str) and has_options and known


def _check_keys(settings: Config, path: Union[str, Path]) -> None:
    """Refuses keys that are nearly one of a matrix; others may be what it is made of.

    A matrix in Python may have names of its own like these.
    """
    if Path(path).suffix == '.py':
        return
    for key in sorted(set(settings) - set(_KEYS)):
        meant = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.8)
        if meant:
            raise ValueError(
                f'{path} has {key!r}, which nothing reads: did you mean {meant[0]}?'
            )


def _method_config(
    stated: Mapping, train_every: int, generator: Optional[Mapping]
) -> Config:
    cfg = read_config(find_shipped(stated['config']))
    override(cfg, stated.get('cfg_options'), 'cfg_options')
    missing = [name for name in _NEEDED if not cfg.get(name)]
    if missing:
        raise ValueError(
            f'{stated["config"]} lacks {", ".join(missing)}, which training and test '
            'need'
        )
    dataset = cfg.train_dataloader.dataset
    if train_every != 1:
        sources = [part['source'] for part in nested_dicts(dataset) if 'source' in part]
        for whole in (dataset, *sources):
            for real in find_real(whole):
                real['indices'] = _every(train_every, dict(real, pipeline=[]))
    generated = find_generated(dataset)
    for config in generated if generator else ():
        if _is_painted(config):
            config['generator'] = copy.deepcopy(generator)
    if 'generator' in stated:
        if not generated:
            raise ValueError(
                f'{stated["config"]} trains on no GANRecomposeDataset that a generator '
                'of its own could paint: leave generator out'
            )
        for config in generated:
            _paint_by(config, stated['generator'])
    return cfg


def _is_painted(generated: Mapping) -> bool:
    """Checks whether a generator paints the pairs, or they keep real pixels."""
    painter = generated.get('generator', {})
    return painter is not None and paints(painter, generated.get('recomposer') or {})


def _paint_by(generated: Dict[str, Any], painter: Mapping) -> None:
    """Has another generator paint the same label maps, with the same seeds."""
    before = generated['generator']
    if generated.get('scale') is None and before is not None:
        scale = build_generator(ConfigDict(before).to_dict()).scale
        if scale is not None:
            generated['scale'] = tuple(scale)
    generated['generator'] = copy.deepcopy(painter)


def _twice_as_long(cfg: Config) -> Config:
    longer = Config(copy.deepcopy(cfg._cfg_dict))
    scale_length(longer, 2 * num_iters(cfg))
    if 'val_interval' in cfg.train_cfg:
        longer.train_cfg.val_interval = cfg.train_cfg.val_interval
    return longer


def _check_lengths(
    configs: Mapping[str, Config], name: str, longer: str, path: Union[str, Path]
) -> None:
    lengths = num_iters(configs[name]), num_iters(configs[longer])
    if lengths[1] != 2 * lengths[0]:
        raise ValueError(
            f'doubled of {path} has {longer!r} for {name!r}, but they are trained for '
            f'{lengths[1]} and {lengths[0]} iterations'
        )


def _check_method(cfg: Config, test_options: Mapping[str, Any]) -> List[str]:
    """Finds what would only show after a training: that it cannot be evaluated.

    Returns:
        list[str]: Names of the classes.
    """
    num_iters(cfg)
    hooks = cfg.get('default_hooks') or {}
    # MMEngine's defaults for what a config leaves out count epochs.
    for name, option in (('checkpoint', 'by_epoch'), ('logger', 'log_metric_by_epoch')):
        if (hooks.get(name) or {}).get(option, True):
            raise ValueError(
                f'default_hooks.{name} of {cfg.filename} counts epochs, but the '
                f'training is one of iterations: add default_hooks=dict({name}='
                f"dict(type='{name.title()}Hook', {option}=False))"
            )
    tested = Config(copy.deepcopy(cfg._cfg_dict))
    override(tested, test_options, 'test_options (--evaluate-on)')
    evaluators = tested.test_evaluator
    if isinstance(evaluators, Mapping):
        evaluators = evaluators.get('metrics', [evaluators])
    if all(has_type(part, 'IoUMetric') for part in evaluators):
        raise ValueError(
            'test_evaluator is an IoUMetric, which prints the IoU of a class to the '
            "log only: evaluate with dict(type='mmseg_ganaug.ClassIoUMetric')"
        )
    for part in evaluators:
        measured = part.get('iou_metrics', 'mIoU')
        if has_type(part, 'ClassIoUMetric') and (
            'mIoU' not in measured or part.get('prefix') is not None
        ):
            raise ValueError(
                f'test_evaluator gives {measured} with prefix={part.get("prefix")!r}, '
                "but methods are compared by mIoU: add it, as in iou_metrics=['mIoU', "
                "'mDice'], and leave prefix out"
            )
    return class_names(tested)


def _every(step: int, dataset: Mapping) -> List[int]:
    """Lists every n-th sample, of those that ``indices`` of the data set choose."""
    chosen = dataset.get('indices')
    whole = build_source({k: v for k, v in dataset.items() if k != 'indices'})
    numbers = list(range(len(whole)))
    if isinstance(chosen, int):
        numbers = numbers[:chosen] if chosen >= 0 else numbers[chosen:]
    elif chosen is not None:
        numbers = [numbers[index] for index in chosen]
    return numbers[::step]
