"""Settings that are changed in a config, and whether that has an effect.

MMEngine copies a variable of a config into all that is made of it, when the config is
read. To change the variable afterwards, by ``--cfg-options`` or in a config that
inherits this one, does not change what stands in ``train_dataloader``.
"""

import ast
import difflib
import inspect
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from mmengine.config import Config

from mmseg_ganaug.config_search import has_type
from mmseg_ganaug.safe_configs import base_paths, read_config

#: What tools read of a config beside what MMEngine's ``Runner`` takes.
_READ_BY_TOOLS = {
    *('auto_scale_lr', 'custom_imports', 'default_scope', 'env_cfg', 'runner_type'),
    *('scale', 'tta_model', 'tta_pipeline'),
}
_NAMED = 4


def override(
    cfg: Config,
    options: Optional[Mapping[str, Any]],
    stated_by: str = '--cfg-options',
) -> None:
    """Changes settings of a config, as ``--cfg-options`` states them.

    Args:
        cfg (Config): Is changed.
        options (Mapping[str, Any], optional): New values, by keys joined by dots.
        stated_by (str): What states them, for messages. Defaults to '--cfg-options'.

    Raises:
        ValueError: When a setting, here or in the file of the config, would change
            nothing that is built; names the keys that have an effect.
    """
    read = _names_read()
    _check_file(cfg, read)
    built = {part: cfg[part] for part in cfg if part in read}
    _check_merged(built)
    for key in options or {}:
        name, _, rest = key.partition('.')
        if name in read:
            continue
        if name in cfg:
            places = _places(built, name, cfg[name])
            keys = [f'{place}.{rest}' if rest else place for place in places]
            hint = f': set {" and ".join(keys)}' if keys else ''
            raise ValueError(
                f'{stated_by} {key}: {name} is a variable of the config, copied to '
                'where it is used when the config was read, so that this would change '
                f'nothing{hint}'
            )
        known = difflib.get_close_matches(name, read, n=1)
        hint = f': did you mean {known[0]}?' if known else ''
        raise ValueError(
            f'{stated_by} {key}: nothing that is built reads {name}, so that this '
            f'would change nothing{hint}'
        )
    cfg.merge_from_dict(dict(options or {}))


def _check_merged(built: Mapping[str, Any]) -> None:
    """Checks that no ConcatDataset has the options of the data set that it replaces.

    Raises:
        ValueError: When one has; names the place and the options.
    """
    for place, part in _parts(built):
        if not isinstance(part, dict) or not has_type(part, 'ConcatDataset'):
            continue
        surplus = [
            key for key in ('data_root', 'data_prefix', 'pipeline') if key in part
        ]
        if surplus:
            raise ValueError(
                f'{place} is a ConcatDataset, but has {", ".join(surplus)} of the data '
                'set that it replaces: the two dicts were merged. Write '
                "dict(_delete_=True, type='ConcatDataset', ...) or, in a config with "
                f'read_base, assign: {place} = dict(...)'
            )


def _check_file(cfg: Config, read: set) -> None:
    """Checks that a config changes no variable of its bases after it was copied.

    Raises:
        ValueError: When it does; names the file, the variable and its copies.
    """
    path = Path(cfg.filename or '')
    if path.suffix != '.py' or not path.is_file():
        return
    changed = [
        name
        for name in _assigned(path)
        if name not in read and isinstance(cfg.get(name), (dict, list, tuple))
    ]
    built = {part: cfg[part] for part in cfg if part in read}
    for base_path in base_paths(path) if changed else ():
        base = read_config(base_path)
        _check_file(base, read)
        for name in changed:
            old = base.get(name)
            if not isinstance(old, (dict, list, tuple)) or old == cfg[name]:
                continue
            copies = _places(built, name, old)
            if copies and not _places(built, name, cfg[name]):
                raise ValueError(
                    f'{path}: {name} is changed, but {base_path} has copied it to '
                    f'{" and ".join(copies)}, where it is as before: write what holds '
                    f'it again, with the new {name} in it, or change it there by '
                    f'--cfg-options {copies[0]}.OPTION=VALUE'
                )


def _assigned(path: Path) -> List[str]:
    """Lists the names to which a config assigns values."""
    return [
        target.id
        for node in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def _names_read() -> set:
    from mmengine.runner import Runner

    return {*inspect.signature(Runner.__init__).parameters, *_READ_BY_TOOLS} - {'self'}


def _places(built: Mapping[str, Any], name: str, value: Any) -> List[str]:
    """Finds the copies of a variable, as keys joined by dots.

    A dict or a list is recognised by its value; a number or a text has to stand under
    its name, too.
    """
    compound = isinstance(value, (dict, list, tuple))
    if compound and not value:
        return []
    places = [
        path
        for path, found in _parts(built)
        if found == value and (compound or path.rpartition('.')[2] == name)
    ]
    return places[:_NAMED]


def _parts(value: Any, path: str = '') -> Iterator[Tuple[str, Any]]:
    """Yields all values in a config, with their keys joined by dots."""
    if path:
        yield path, value
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        return
    for key, part in items:
        yield from _parts(part, f'{path}.{key}' if path else str(key))
