"""Makes of a checkpoint what can be given to others; uploads nothing.

OUT gets the weights alone (what training needs beside them is left out:
discriminators, optimizers, logs), as NAME-DIGEST.pth with the first 8 digits of its
SHA-256, the config as one file, SHA256SUMS, and README.md, a model card. Both files go
into a config as they are:

    generator = dict(config='OUT/NAME.py', checkpoint='OUT/NAME-DIGEST.pth')
"""

import argparse
from pathlib import Path
from typing import Any, Dict, Mapping, Union

#: What only training needs.
_OF_TRAINING = ('discriminators.', 'objective.')
_AVERAGED, _LAST = 'generators_ema.', 'generators.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config that it was trained with')
    parser.add_argument(
        'checkpoint', help='checkpoint, or a work dir: the latest of it'
    )
    parser.add_argument('out', type=Path, help='folder of the release')
    parser.add_argument(
        '--licence',
        required=True,
        help='licence of the weights, such as "CC BY-NC 4.0, as the training data"; '
        'the terms of the data may forbid to give them away',
    )
    parser.add_argument(
        '--name', help='name of the model (default: that of the config)'
    )
    parser.add_argument(
        '--notes', default='', help='what users should know: results, limits'
    )


def run(args: argparse.Namespace) -> None:
    """Writes the four files."""
    import hashlib
    import io

    import torch

    from mmseg_ganaug.checkpoints import (
        CheckpointError,
        load_checkpoint,
        read_state_dict,
    )
    from mmseg_ganaug.config_search import find_shipped
    from mmseg_ganaug.ownership import WorkFolder
    from mmseg_ganaug.safe_configs import config_text, read_config
    from mmseg_ganaug.synthesis.trained import find_checkpoint
    from mmseg_ganaug.tool_errors import errors_as_messages

    name = args.name or Path(args.config).stem
    config = read_config(find_shipped(args.config))
    path = find_checkpoint(args.checkpoint, args.config, 'network')
    with errors_as_messages(CheckpointError):
        state = to_release(read_state_dict(path))
    meta = load_checkpoint(path).get('meta', {})
    kept: Dict[str, Any] = {}
    if isinstance(meta, Mapping) and isinstance(meta.get('dataset_meta'), Mapping):
        classes, palette = (meta['dataset_meta'].get(k) for k in ('classes', 'palette'))
        kept['dataset_meta'] = dict(classes=classes, palette=palette)
    content = io.BytesIO()
    torch.save({'state_dict': state, 'meta': kept}, content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    weights = f'{name}-{digest[:8]}.pth'
    card = model_card(
        name, weights, digest, config.to_dict(), state, args.licence, args.notes
    )
    files: Dict[str, Union[str, bytes]] = {
        weights: content.getvalue(),
        f'{name}.py': config_text(config) + '\n',
        'SHA256SUMS': f'{digest}  {weights}\n',
        'README.md': card,
    }
    work = WorkFolder(args.out, 'checkpoint release', 'OUT')
    work.check_free(args.out / file for file in files)
    for file, text in files.items():
        work.write(args.out / file, text)
    print(f'{args.out / weights}: {len(state)} tensors of {path}, SHA-256 {digest}')


def to_release(state: Mapping[str, Any]) -> Dict[str, Any]:
    """Picks what is needed to use a model.

    Args:
        state (Mapping[str, Tensor]): State dict of a training.

    Returns:
        dict[str, Tensor]: Without discriminators; averaged weights of a generator,
        where there are some, in the place of the last ones.
    """
    averaged = {
        _LAST + key[len(_AVERAGED) :]: value
        for key, value in state.items()
        if key.startswith(_AVERAGED)
    }
    left_out = (*_OF_TRAINING, _AVERAGED, *((_LAST,) if averaged else ()))
    kept = {k: v for k, v in state.items() if not k.startswith(left_out)}
    return {**kept, **averaged}


def model_card(
    name: str,
    weights: str,
    digest: str,
    config: Mapping[str, Any],
    state: Mapping[str, Any],
    licence: str,
    notes: str,
) -> str:
    """Writes the model card, Markdown.

    Args:
        name (str): Of the model.
        weights (str): File name of the weights.
        digest (str): Their SHA-256.
        config (Mapping): Values of the config.
        state (Mapping[str, Tensor]): The weights.
        licence (str): As the user states it.
        notes (str): The user's text; may be empty.
    """
    # A config that only tests states None for what trains.
    model = config.get('model') or {}
    loader = config.get('train_dataloader') or {}
    numbers = sum(value.numel() for value in state.values())
    rows = {
        'Model': f'`{model.get("type", "unknown")}`, {numbers / 1e6:.2f} M numbers',
        'Trained on': f'`{data_set_of(loader.get("dataset") or {})}`',
        'Iterations': str(
            (config.get('train_cfg') or {}).get('max_iters', 'see the config')
        ),
        'SHA-256': f'`{digest}`',
        'Licence': licence,
    }
    table = ''.join(f'| {key} | {text} |\n' for key, text in rows.items())
    notes = f'{notes}\n\n' if notes else ''
    return f"""\
# {name}

| | |
| --- | --- |
{table}
{notes}Made by mmseg_ganaug. `sha256sum -c SHA256SUMS` checks the file, which holds
tensors and class names alone and loads with `weights_only=True`.

A generator goes into a config by

```python
generator = dict(config='{name}.py', checkpoint='{weights}')
```

and a segmenter by `load_from='{weights}'` over `{name}.py`. In a metafile:

```yaml
Weights: {weights}
```
"""


def data_set_of(dataset: Mapping[str, Any]) -> str:
    """Names the data set in wrappers, generated pairs and the like."""
    for key in ('source', 'dataset', 'datasets'):
        inner = dataset.get(key)
        if inner:
            return data_set_of(inner[0] if isinstance(inner, (list, tuple)) else inner)
    return str(dataset.get('type', 'unknown'))
