"""A diffusion model paints what changed into real photos, through diffusers."""

import json
from dataclasses import replace
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_device,
    check_mapping,
    check_number,
    check_path,
    check_text,
    check_whole,
    check_whole_numbers,
    refuse,
)
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.batches import by_shape
from mmseg_ganaug.synthesis.blending import blend
from mmseg_ganaug.synthesis.diffusion.model_files import DiffusersFiles
from mmseg_ganaug.synthesis.diffusion.pipeline import InpaintPipeline
from mmseg_ganaug.synthesis.diffusion.window_inputs import (
    WindowInput,
    classes_in_words,
    window_photo,
)
from mmseg_ganaug.synthesis.generator import Generator, PaintContext
from mmseg_ganaug.synthesis.trained import PRECISIONS
from mmseg_ganaug.synthesis.windows import Window, Windows, joined

# Pixels over which painted ones fade into the photo, which the model has encoded and
# decoded around them.
_FEATHER = 4


@GENERATORS.register_module()
class DiffusersInpaint(Generator):
    """Paints windows around what changed with a Stable Diffusion model.

    A window is resized to what the model was made for, the model paints the part that
    changed, with the photo around it in view, and the rest keeps its real pixels. It
    begins with the pixels of the donors (holes are filled from their rim, by Telea's
    method), as far as ``strength`` lets it.

    Models are Stable Diffusion 1, 2 and XL, made for inpainting or not, as diffusers
    saves them; weights are safetensors alone. Nothing is downloaded unless a name
    begins with ``hf://``.

    Args:
        model (str): Folder in the layout of diffusers, or ``hf://OWNER/NAME``, with
            ``@REVISION`` if need be, of the Hugging Face Hub.
        controlnet (str, optional): The same of a ControlNet that reads label maps in
            colours. Defaults to None: labels guide by donors' pixels and prompt alone.
        prompt (str): Prompt; ``{classes}`` becomes the classes of what changed in the
            window, the largest first. Defaults to 'a photo of {classes}'.
        negative_prompt (str, optional): What is not to be seen. Defaults to None.
        words (Mapping[str, str], optional): Words in the prompt for classes whose name
            says too little, by class name. Defaults to None: the name, its parts apart.
        colours (Mapping[str, Sequence[int]], optional): RGB that the ControlNet knows
            a class by, by class name. Defaults to None: the palette of the data set.
        steps (int): Denoising steps of a whole run, of which ``strength`` leaves a
            part. Defaults to 30.
        strength (float): Share of the noise that is put on what is there, (0, 1]: 1
            keeps nothing of the donors' pixels. Defaults to 0.6.
        guidance_scale (float): Weight of the prompt; up to 1, there is no guidance, and
            a step costs half. Defaults to 7.5.
        control_scale (float): Weight of the ControlNet. Defaults to 1.0.
        margin (int): Pixels of the photo that a window shows around what changed, at
            least. Defaults to 64.
        size (int, optional): Side in pixels of the square that has as many pixels as
            the model paints per window. Defaults to None: that of the model's config.
        batch_size (int): Windows of one photo that are painted together, where they
            are of one shape; what else is painted does not matter. Defaults to 1.
        precision (str): 'fp32', 'bf16', 'fp16' (on a GPU), or 'auto': bfloat16 where
            the device computes in it, else float32. Defaults to 'auto'.
        variant (str, optional): Of the weights, such as 'fp16' for files with names as
            ``model.fp16.safetensors``. Defaults to None.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.
        cpu_offload (bool): Whether the parts of the model are on the GPU only while
            they work, which takes less memory and more time. Defaults to False.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    uses_context = True
    needs_whole_map = False

    def __init__(
        self,
        model: str,
        controlnet: Optional[str] = None,
        prompt: str = 'a photo of {classes}',
        negative_prompt: Optional[str] = None,
        words: Optional[Mapping[str, str]] = None,
        colours: Optional[Mapping[str, Sequence[int]]] = None,
        steps: int = 30,
        strength: float = 0.6,
        guidance_scale: float = 7.5,
        control_scale: float = 1.0,
        margin: int = 64,
        size: Optional[int] = None,
        batch_size: int = 1,
        precision: str = 'auto',
        variant: Optional[str] = None,
        device: Optional[str] = None,
        cpu_offload: bool = False,
    ) -> None:
        model = check_path(self, 'model', model)
        for name, text in (('variant', variant), ('negative_prompt', negative_prompt)):
            if text is not None:
                check_text(self, name, text)
        files = [DiffusersFiles('model', model, variant, is_pipeline=True)]
        if controlnet is not None:
            controlnet = check_path(self, 'controlnet', controlnet)
            files.append(DiffusersFiles('controlnet', controlnet, variant))
        self._pipeline = InpaintPipeline(
            files,
            check_choice(self, 'precision', precision, PRECISIONS),
            check_device(self, 'device', device),
            check_bool(self, 'cpu_offload', cpu_offload),
        )
        self._precision = precision
        self._prompt = _check_prompt(self, prompt)
        self._words = check_mapping(self, 'words', {} if words is None else words)
        for word in self._words.values():
            check_text(self, 'words', word)
        colours = check_mapping(self, 'colours', {} if colours is None else colours)
        self._colours = {
            name: check_whole_numbers(self, 'colours', colour, 0, 255, length=3)
            for name, colour in colours.items()
        }
        steps = check_whole(self, 'steps', steps, 1)
        strength = check_number(self, 'strength', strength, above=0, high=1)
        if int(steps * strength) < 1:
            allowed = f'at least 1 / steps, here 1 / {steps}'
            raise refuse(self, 'strength', strength, allowed)
        self._options = dict(
            negative_prompt=negative_prompt,
            num_inference_steps=steps,
            strength=strength,
            guidance_scale=check_number(self, 'guidance_scale', guidance_scale, 0),
        )
        control_scale = check_number(self, 'control_scale', control_scale, 0)
        if controlnet is not None:
            self._options['controlnet_conditioning_scale'] = control_scale
        self._windows = Windows(margin=check_whole(self, 'margin', margin))
        self._size = size if size is None else check_whole(self, 'size', size, 1)
        self._batch_size = check_whole(self, 'batch_size', batch_size, 1)
        self._class_names: Tuple[str, ...] = ()
        self._table = np.zeros((256, 3), np.uint8)

    def use_classes(
        self, names: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> None:
        """Takes the classes of the data set, for prompts and colours.

        Args:
            names (Sequence[str]): C names.
            palette (Sequence[Sequence[int]]): C colours, RGB, 0..255.

        Raises:
            ValueError: When words or colours name a class that is none.
        """
        for option, given in (('words', self._words), ('colours', self._colours)):
            unknown = [name for name in given if name not in names]
            if unknown:
                raise refuse(
                    self, option, unknown, f'of the classes {", ".join(names)}'
                )
        self._class_names = tuple(names)
        self._table[:] = 0
        for number, (name, colour) in enumerate(zip(names, palette)):
            self._table[number] = self._colours.get(name, colour)

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks the files of the model, and the device; loads nothing.

        Raises:
            FileNotFoundError: When a folder or a file is missing.
            IncompatibleVersionError: When diffusers is missing or does not fit.
            RuntimeError: When no GPU is there although one was asked for.
            ValueError: When weights are pickled, the model is of another kind, or the
                device does not compute in the precision.
        """
        self._pipeline.check()

    def fingerprint(self) -> str:
        """Names the weights by the digest of their files, and all that is done."""
        stated = dict(
            self._options,
            prompt=self._prompt,
            words=self._words,
            margin=self._windows.margin,
            size=self._size,
            batch_size=self._batch_size,
            precision=self._precision,
        )
        if self._pipeline.has_controlnet:
            stated['colours'] = self._table[: len(self._class_names)].tolist()
        return json.dumps(
            [type(self).__name__, *self._pipeline.digests(), stated], sort_keys=True
        )

    def load(self) -> None:
        """Loads the weights.

        Raises:
            CheckpointError: When diffusers cannot load them.
        """
        self._pipeline.load()

    def release(self) -> None:
        """Frees the model and the memory that it took."""
        self._pipeline.release()

    def paint(
        self,
        labels: np.ndarray,
        instances: Optional[np.ndarray] = None,
        context: Optional[PaintContext] = None,
    ) -> np.ndarray:
        """Paints what changed into the photos of the context.

        Args:
            labels (np.ndarray): uint8 ``[B, H, W]``.
            instances (np.ndarray, optional): Not used.
            context (PaintContext, optional): Must be given.

        Returns:
            np.ndarray: uint8 RGB ``[B, H, W, 3]``. A photo has the same bytes on one
            device whatever else is in the batch.

        Raises:
            ValueError: When there is no context, or the classes are not known.
            MemoryError: When a window does not fit into memory.
        """
        if context is None or not self._class_names:
            missing = 'photos' if context is None else 'names'
            raise ValueError(
                'DiffusersInpaint paints into photos by the names of classes, but was '
                f'given no {missing}: name it as the generator of a GANRecomposeDataset'
            )
        samples = zip(
            labels, context.photos, context.shown, context.changed, context.seeds
        )
        return np.stack([self._paint_photo(*sample) for sample in samples])

    def painted_pixels(self, labels: np.ndarray, context: PaintContext) -> np.ndarray:
        """Finds what changed."""
        return context.changed

    def _paint_photo(
        self,
        labels: np.ndarray,
        photo: np.ndarray,
        shown: np.ndarray,
        changed: np.ndarray,
        seed: int,
    ) -> np.ndarray:
        windows = self._windows.plan(changed, stride=1)
        if windows is None:
            windows = [Window(0, 0, *changed.shape)]
        if not windows:
            return photo
        painting = self._pipeline.painting
        if self._size:
            painting = replace(painting, size=self._size)
        colours = self._table[labels]
        seeds = np.random.SeedSequence(seed).generate_state(len(windows)).tolist()
        inputs: List[WindowInput] = []
        for window, number in zip(windows, seeds):
            words = classes_in_words(
                window.of(labels), window.of(changed), self._class_names, self._words
            )
            prompt = self._prompt.format(classes=words)
            inputs.append(
                painting.window_input(
                    window, colours, photo, shown, changed, prompt, number
                )
            )
        parts: List[Any] = [None] * len(inputs)
        for members in by_shape([each.image for each in inputs]):
            for start in range(0, len(members), self._batch_size):
                together = members[start : start + self._batch_size]
                painted = self._pipeline.run(
                    [inputs[number] for number in together], self._options
                )
                for number, part in zip(together, painted):
                    parts[number] = window_photo(part, windows[number])
        whole = joined(changed.shape, 1, windows, parts)
        return blend(whole, photo, shown, changed, changed, _FEATHER, tone=False)


def _check_prompt(owner: object, prompt: Any) -> str:
    """Returns a template, if it is text with no placeholder but ``{classes}``."""
    try:
        check_text(owner, 'prompt', prompt).format(classes='')
    except (LookupError, ValueError):
        allowed = 'text with no other braces than {classes}'
        raise refuse(owner, 'prompt', prompt, allowed) from None
    return prompt
