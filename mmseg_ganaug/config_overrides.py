"""Settings that a command line changes in a config, and whether they have an effect."""

import difflib
import inspect
import warnings
from typing import Any, Iterator, Mapping, Optional, Tuple

from mmengine.config import Config

#: What tools read of a config beside what MMEngine's ``Runner`` takes.
_READ_BY_TOOLS = {
    *('auto_scale_lr', 'custom_imports', 'default_scope', 'env_cfg', 'runner_type'),
    *('scale', 'tta_model', 'tta_pipeline'),
}


def override(cfg: Config, options: Optional[Mapping[str, Any]]) -> None:
    """Changes settings of a config, as ``--cfg-options`` states them.

    MMEngine copies a variable of a config into all that is made of it, when the config
    is read: to change the variable ``generated`` afterwards does not change what stands
    in ``train_dataloader``. Such a setting is refused.

    Args:
        cfg (Config): Is changed.
        options (Mapping[str, Any], optional): New values, by keys joined by dots.

    Raises:
        ValueError: When a setting would change a copied variable alone; names the keys
            that have an effect.
    """
    read = _names_read()
    for key in options or {}:
        name, _, rest = key.partition('.')
        if name in read:
            continue
        places = []
        if isinstance(cfg.get(name), (dict, list, tuple)):
            built = {part: cfg[part] for part in cfg if part in read}
            places = [path for path, found in _parts(built) if found == cfg[name]]
        if places:
            keys = [f'{place}.{rest}' if rest else place for place in places]
            raise ValueError(
                f'--cfg-options {key}: {name} is a variable of the config, copied to '
                'where it is used when the config was read, so that this would change '
                f'nothing: set {" and ".join(keys)}'
            )
        known = difflib.get_close_matches(name, read, n=1)
        hint = f': did you mean {known[0]}?' if known and name not in cfg else ''
        warnings.warn(
            f'--cfg-options {key}: nothing that is built reads {name}{hint}',
            stacklevel=2,
        )
    cfg.merge_from_dict(dict(options or {}))


def _names_read() -> set:
    from mmengine.runner import Runner

    return {*inspect.signature(Runner.__init__).parameters, *_READ_BY_TOOLS} - {'self'}


def _parts(value: Any, path: str = '') -> Iterator[Tuple[str, Any]]:
    """Yields the dicts and lists in a config, with their keys joined by dots."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        return
    if path:
        yield path, value
    for key, part in items:
        yield from _parts(part, f'{path}.{key}' if path else str(key))
