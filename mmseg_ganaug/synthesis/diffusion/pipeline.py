"""A Stable Diffusion pipeline of diffusers: checked, loaded, run and freed."""

from functools import cached_property
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
import torch

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.dependencies import check_versions
from mmseg_ganaug.synthesis.batches import is_out_of_memory
from mmseg_ganaug.synthesis.diffusion.model_files import (
    LEFT_OUT,
    LIBRARIES,
    DiffusersFiles,
)
from mmseg_ganaug.synthesis.diffusion.window_inputs import Painting, WindowInput
from mmseg_ganaug.synthesis.trained import find_device, resolve_precision


class InpaintPipeline:
    """Paints windows with a model, whose weights are loaded when it is first run.

    Args:
        files: Of the pipeline, and of a ControlNet where there is one.
        precision: One of ``PRECISIONS``.
        device: Torch device; None = the first GPU where there is one, else the CPU.
        cpu_offload: Whether parts are on the GPU only while they work.
    """

    def __init__(
        self,
        files: Sequence[DiffusersFiles],
        precision: str,
        device: Optional[str],
        cpu_offload: bool,
    ) -> None:
        self._files = list(files)
        self._precision = precision
        self._device = device
        self._cpu_offload = cpu_offload
        self._pipeline: Any = None

    @property
    def has_controlnet(self) -> bool:
        """Whether a ControlNet guides it."""
        return len(self._files) > 1

    def digests(self) -> List[str]:
        """Lists the digests of its files; they are read once."""
        return [files.digest for files in self._files]

    @cached_property
    def painting(self) -> Painting:
        """How the model takes windows, from its configs."""
        model = self._files[0]
        return Painting.of(model.config('unet'), model.config('vae'))

    def check(self) -> None:
        """Checks libraries, device and files, and loads nothing.

        Raises:
            FileNotFoundError: When a folder or a file is missing.
            IncompatibleVersionError: When diffusers is missing or does not fit.
            RuntimeError: When no GPU is there although one was asked for.
            ValueError: When weights are pickled, the model is of another kind, or the
                device does not compute in the precision.
        """
        check_versions(LIBRARIES)
        device = find_device(self._device)
        resolve_precision(self._precision, device)
        if self._cpu_offload and not device.startswith('cuda'):
            raise ValueError(
                f'DiffusersInpaint: cpu_offload=True needs a GPU, but the device is '
                f'{device!r}: leave cpu_offload out'
            )
        for files in self._files:
            _ = files.index

    def load(self) -> None:
        """Builds the pipeline and loads its weights; twice is as once.

        Raises:
            CheckpointError: When diffusers cannot load the files.
        """
        if self._pipeline is not None:
            return
        self.check()
        from safetensors import SafetensorError

        device = find_device(self._device)
        try:
            pipeline = self._built(resolve_precision(self._precision, device))
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            folders = ' with '.join(str(files.folder) for files in self._files)
            raise CheckpointError(
                f'diffusers cannot load {folders}: {error}\nCopy or download the files '
                'again, or take a model that fits'
            ) from error
        # The samples have a bar of their own.
        pipeline.set_progress_bar_config(disable=True)
        if self._cpu_offload:
            pipeline.enable_model_cpu_offload(device=device)
        else:
            pipeline.to(device)
        self._pipeline = pipeline

    def _built(self, dtype: torch.dtype) -> Any:
        from diffusers import AutoPipelineForInpainting, ControlNetModel

        model, *controlnets = self._files
        options = dict(
            torch_dtype=dtype,
            variant=model.variant,
            use_safetensors=True,
            local_files_only=True,
        )
        parts: Dict[str, Any] = {}
        if any(part in model.index for part in LEFT_OUT):
            parts.update(dict.fromkeys(LEFT_OUT), requires_safety_checker=False)
        pipeline = AutoPipelineForInpainting.from_pretrained(
            str(model.folder), **options, **parts
        )
        for files in controlnets:
            # Given at once, diffusers 0.28 knows no such pipeline of inpainting models.
            pipeline = AutoPipelineForInpainting.from_pipe(
                pipeline,
                controlnet=ControlNetModel.from_pretrained(
                    str(files.folder), **options
                ),
            )
        return pipeline

    def release(self) -> None:
        """Frees the pipeline and the memory that it took."""
        self._pipeline = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def run(
        self, inputs: Sequence[WindowInput], options: Mapping[str, Any]
    ) -> np.ndarray:
        """Paints windows of one size together.

        Args:
            inputs: Of the windows.
            options: Of the pipeline, for all of them.

        Returns:
            float32 RGB [B, H, W, 3], 0..1.

        Raises:
            FloatingPointError: When the model overflows in its precision.
            MemoryError: When they do not fit into memory.
        """
        self.load()
        images = torch.stack([each.image for each in inputs])
        height, width = images.shape[2:]
        options = dict(options)
        if options['negative_prompt'] is not None:
            options['negative_prompt'] = [options['negative_prompt']] * len(inputs)
        if self.has_controlnet:
            options['control_image'] = torch.stack([each.control for each in inputs])
        try:
            with torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True
            ):
                painted = self._pipeline(
                    prompt=[each.prompt for each in inputs],
                    image=images,
                    mask_image=torch.stack([each.mask for each in inputs]),
                    height=height,
                    width=width,
                    # On the CPU, the same numbers are drawn for every device.
                    generator=[
                        torch.Generator('cpu').manual_seed(each.seed) for each in inputs
                    ],
                    output_type='np',
                    **options,
                ).images
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise MemoryError(
                f'{len(inputs)} windows of {width} x {height} do not fit into memory: '
                "set generator.batch_size=1, cpu_offload=True, precision='bf16' or a "
                'smaller size'
            ) from error
        if not np.isfinite(painted).all():
            raise FloatingPointError(
                'DiffusersInpaint: the model overflows in '
                f"precision={self._precision!r}: set precision='fp32' or 'bf16'"
            )
        return painted
