"""Finds the files of a diffusion model, in a folder or on the Hub, and checks them.

diffusers 0.28 checks less than it says: ``use_safetensors=True`` does not reach the
parts of a pipeline in a local folder, which fall back to pickled weights, and Python
code in such a folder is run. So what would be loaded is looked at here, before.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmseg_ganaug.dependencies import check_versions
from mmseg_ganaug.files import file_digest

HUB = 'hf://'
LIBRARIES = ('torch', 'diffusers', 'transformers', 'huggingface_hub')
_INDEX = 'model_index.json'
#: Parts of a pipeline that are not loaded. The safety checker blackens photos that it
#: takes for indecent, and they would be samples like any other.
LEFT_OUT = ('safety_checker',)
# What each library looks for first.
_WEIGHTS = {'diffusers': 'diffusion_pytorch_model', 'transformers': 'model'}
_PICKLED = ('.bin', '.ckpt', '.pickle', '.pkl', '.pt', '.pth')
_WEIGHT_SUFFIXES = (*_PICKLED, '.safetensors', '.msgpack', '.h5', '.onnx', '.pb')
# Configs and tokenizers.
_TEXT_SUFFIXES = ('.json', '.txt')


class DiffusersFiles:
    """Holds the files of a pipeline, or of a single model such as a ControlNet.

    Nothing is looked at before it is asked about.

    Attributes:
        variant: Of the weights.

    Args:
        option: Name of the option that states it, for messages.
        stated: A folder in the layout of diffusers, or ``hf://OWNER/NAME`` or
            ``hf://OWNER/NAME@REVISION`` of the Hugging Face Hub. Of the Hub, what its
            cache on this machine has is taken, and else it is downloaded.
        variant: Of the weights, such as 'fp16' in ``model.fp16.safetensors``.
        is_pipeline: Whether it is a pipeline.
    """

    def __init__(
        self,
        option: str,
        stated: str,
        variant: Optional[str],
        is_pipeline: bool = False,
    ) -> None:
        self._option = option
        self._stated = stated
        self.variant = variant
        self._ending = f'.{variant}.safetensors' if variant else '.safetensors'
        self._is_pipeline = is_pipeline

    @property
    def folder(self) -> Path:
        """Folder of the model.

        Raises:
            FileNotFoundError: When it, or a file of it, is missing.
            ValueError: When it holds pickled weights alone, or code to be run.
        """
        return self._found[0]

    @cached_property
    def index(self) -> Dict[str, Any]:
        """Parts of the pipeline, or config of the model."""
        return _read_json(
            self.folder / (_INDEX if self._is_pipeline else 'config.json')
        )

    def config(self, part: str) -> Dict[str, Any]:
        """Reads the config of a part of the pipeline, such as 'unet'."""
        return _read_json(self.folder / part / 'config.json')

    @cached_property
    def digest(self) -> str:
        """Digest of all files that are loaded, sha256 in hexadecimal."""
        folder, files = self._found
        digest = hashlib.sha256()
        for path in files:
            name = path.relative_to(folder).as_posix()
            digest.update(f'{name} {file_digest(path)}\n'.encode())
        return digest.hexdigest()

    @cached_property
    def _found(self) -> Tuple[Path, List[Path]]:
        """Finds the folder, and the files of it that are loaded, sorted by name."""
        if self._stated.startswith(HUB):
            return self._of_hub(self._stated[len(HUB) :])
        folder = Path(self._stated).expanduser()
        if folder.is_file():
            raise self._wrong(
                'is one file',
                'convert it by StableDiffusionPipeline.from_single_file(FILE)'
                '.save_pretrained(FOLDER) of diffusers, and name the folder',
            )
        if not folder.is_dir():
            raise FileNotFoundError(
                f'DiffusersInpaint: {self._option}={self._stated!r}: there is no such '
                f'folder. Name one in the layout of diffusers, or a model of the '
                f'Hugging Face Hub as {HUB}OWNER/NAME, which may be downloaded'
            )
        return folder, self._files(folder)

    def _of_hub(self, stated: str) -> Tuple[Path, List[Path]]:
        """Finds a model in the cache of the Hub, or downloads it."""
        check_versions(LIBRARIES)
        from huggingface_hub import snapshot_download

        name, _, revision = stated.partition('@')
        place = '*/' if self._is_pipeline else ''
        wanted = [f'*{suffix}' for suffix in _TEXT_SUFFIXES]
        for stem in _WEIGHTS.values():
            wanted.append(f'{place}{stem}{self._ending}')
        # What is there needs no network, and stays as it is.
        for only_cached in (True, False):
            try:
                folder = Path(
                    snapshot_download(
                        name,
                        revision=revision or None,
                        allow_patterns=wanted,
                        ignore_patterns=[f'{part}/*' for part in LEFT_OUT],
                        local_files_only=only_cached,
                    )
                )
                return folder, self._files(folder)
            except (OSError, ValueError) as error:
                failure = error
        reason = str(failure).strip().splitlines()[0]
        raise FileNotFoundError(
            f'DiffusersInpaint: {self._option}={self._stated!r} is not whole in the '
            f'cache of this machine, and could not be downloaded ({reason}): check the '
            'name and the network, or copy its folder here and name that'
        ) from failure

    def _files(self, folder: Path) -> List[Path]:
        """Lists the files that are loaded; raises where one must not or cannot be."""
        if not self._is_pipeline:
            return self._files_of_part(folder, 'diffusers')
        if not (folder / _INDEX).is_file():
            raise FileNotFoundError(
                f'DiffusersInpaint: {self._option}: {folder} has no {_INDEX}: name the '
                'folder of a whole pipeline, as save_pretrained of diffusers writes it'
            )
        self._refuse_code(folder)
        index = _read_json(folder / _INDEX)
        kind = index.get('_class_name')
        # Stable Diffusion 3 has a transformer in its place, and other windows.
        is_known = isinstance(kind, str) and kind.startswith('StableDiffusion')
        if not is_known or 'unet' not in index:
            raise self._wrong(
                f'is of a {kind}',
                'name a Stable Diffusion model (1, 2, XL), made for inpainting or not',
            )
        files = [folder / _INDEX]
        for part, value in index.items():
            if not isinstance(value, list) or part in LEFT_OUT or value[0] is None:
                continue
            if value[0] not in _WEIGHTS:
                raise self._wrong(
                    f'has a {part} of {value[0]!r}',
                    'only parts of diffusers and transformers are loaded',
                )
            files += self._files_of_part(folder / part, value[0])
        return files

    def _files_of_part(self, folder: Path, library: str) -> List[Path]:
        if not folder.is_dir():
            raise FileNotFoundError(
                f'DiffusersInpaint: {self._option}: {folder} is missing, which the '
                'model consists of: copy or download the whole of it'
            )
        self._refuse_code(folder)
        there = sorted(path for path in folder.iterdir() if path.is_file())
        files = [path for path in there if path.suffix in _TEXT_SUFFIXES]
        weights = [path for path in there if path.suffix in _WEIGHT_SUFFIXES]
        config = folder / 'config.json'
        if not weights and config not in files:
            return files  # a scheduler or a tokenizer
        wanted = folder / f'{_WEIGHTS[library]}{self._ending}'
        if wanted not in weights and any(path.suffix in _PICKLED for path in weights):
            raise self._wrong(
                f'has {", ".join(path.name for path in weights)} in {folder}, but no '
                f'{wanted.name}',
                'pickled weights can run code and are not loaded; take a release with '
                'safetensors, or save it by '
                'save_pretrained(FOLDER, safe_serialization=True)',
            )
        for path in (config, wanted):
            if path not in there:
                raise FileNotFoundError(
                    f'DiffusersInpaint: {self._option}: {path} is missing: copy or '
                    'download the whole model, or set the variant that it has'
                )
        return [*files, wanted]

    def _refuse_code(self, folder: Path) -> None:
        for path in sorted(folder.glob('*.py')):
            raise self._wrong(
                f'holds code, {path}',
                'code of a model is never run; remove it if the model does without',
            )

    def _wrong(self, what: str, remedy: str) -> ValueError:
        return ValueError(
            f'DiffusersInpaint: {self._option}={self._stated!r} {what}: {remedy}'
        )


def _read_json(path: Path) -> Dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if isinstance(content, dict):
            return content
        problem = 'it holds no object'
    except ValueError as error:
        problem = str(error)
    raise ValueError(f'{path} is no config of diffusers ({problem}): copy it again')
