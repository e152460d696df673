"""A Stable Diffusion model with random weights, as small as its classes allow."""

import json

import torch

#: Side that it paints, and pixels of a side of a cell of its denoiser.
SIZE, CELL = 64, 8
_BLOCKS = dict(block_out_channels=(4, 4), layers_per_block=1, norm_num_groups=2)


def make_pipeline(folder, inpainting=True, seed=0, size=SIZE):
    """Saves a whole pipeline in the layout of diffusers; returns its folder."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = _tokenizer(folder.parent / f'{folder.name}_tokenizer')
    torch.manual_seed(seed)
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    unet = UNet2DConditionModel(
        sample_size=size // CELL,
        in_channels=9 if inpainting else 4,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
        up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
        cross_attention_dim=8,
        attention_head_dim=2,
        **_BLOCKS,
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 4),
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
        norm_num_groups=2,
        latent_channels=4,
    )
    kind = StableDiffusionInpaintPipeline if inpainting else StableDiffusionPipeline
    pipeline = kind(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def make_controlnet(folder, seed=1):
    """Saves a ControlNet that fits the pipeline; returns its folder."""
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    model = ControlNetModel(
        in_channels=4,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
        cross_attention_dim=8,
        attention_head_dim=2,
        conditioning_embedding_out_channels=(4, 4, 4, 4),
        **_BLOCKS,
    )
    # New ones end in zeros, and change nothing.
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=3.0)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def _tokenizer(folder):
    """Makes a tokenizer that knows bytes alone."""
    from transformers import CLIPTokenizer
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f'{letter}</w>' for letter in letters)]
    tokens += ['<|startoftext|>', '<|endoftext|>']
    folder.mkdir(parents=True)
    vocabulary, merges = folder / 'vocab.json', folder / 'merges.txt'
    vocabulary.write_text(json.dumps({t: number for number, t in enumerate(tokens)}))
    merges.write_text('#version: 0.2\n')
    return CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77)
